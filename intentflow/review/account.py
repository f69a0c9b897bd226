"""The account of a local Label Studio, in a file that only its owner may read."""

from __future__ import annotations

import secrets
import uuid
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from intentflow.artifacts.document import JsonDocument


class ReviewAccount(JsonDocument):
    """The file ``account.json`` of a review."""

    WRONG_KIND: ClassVar[str] = "not the account of a review"

    review: str = Field(description="Identifier of the review")
    url: str = Field(description="URL of Label Studio")
    email: str = Field(description="Name of the account")
    password: str = Field(description="Password of the account")
    token: str | None = Field(None, description="Personal access token; null until it is made")

    @classmethod
    def open(cls, file: Path, email: str, url: str) -> ReviewAccount:
        """The account in a file, or a new one with a password drawn at random.

        Args:
            file: File that is written, mode 0600.
            email: Name of a new account.
            url: URL of Label Studio.

        Raises:
            InputError: The file cannot be read or written.
        """
        if file.exists():
            account = cls.read(file).model_copy(update={"url": url})
        else:
            account = cls(
                review=uuid.uuid4().hex,
                url=url,
                email=email,
                password=secrets.token_urlsafe(12),
                token=None,
            )
        account.write(file, private=True)
        return account
