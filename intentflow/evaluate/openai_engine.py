"""Any endpoint with the OpenAI API as an engine."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tqdm import tqdm

from intentflow.errors import IntentflowError
from intentflow.evaluate.engines import MAX_NEW_TOKENS, Answer, Keep


class OpenAIEngine:
    """Any endpoint with the OpenAI API, several requests at a time.

    The key comes from ``OPENAI_API_KEY``; an endpoint without authentication needs none.
    """

    name = "openai"

    def __init__(self, url: str, *, constrained: bool = False, concurrency: int = 8) -> None:
        from openai import OpenAI

        self.constrained = constrained
        self.concurrency = concurrency
        base = url.rstrip("/")
        self.url = base if base.endswith("/v1") else f"{base}/v1"
        key = os.environ.get("OPENAI_API_KEY") or "none"
        self.client = OpenAI(base_url=self.url, api_key=key, timeout=120, max_retries=3)
        self.model = self._served_model()

    def answer(self, instructions: Sequence[str], keep: Keep | None = None) -> list[Answer]:
        """One answer per instruction, in order; ``keep`` gets each as soon as those before it.

        Raises:
            IntentflowError: The endpoint failed after its retries.
        """
        with ThreadPoolExecutor(self.concurrency) as pool:
            progress = tqdm(
                pool.map(self._ask, instructions),
                total=len(instructions),
                desc="evaluate",
                disable=len(instructions) < 2,
                mininterval=0.5 if sys.stderr.isatty() else 10.0,
            )
            answers = []
            for place, answer in enumerate(progress):
                answers.append(answer)
                if keep:
                    keep(place, answer)
            return answers

    def _ask(self, instruction: str) -> Answer:
        from openai import OpenAIError

        started = time.perf_counter()
        try:
            reply = self.client.chat.completions.create(
                model=self.model,
                messages=[{"role": "user", "content": instruction}],
                temperature=0,
                max_completion_tokens=MAX_NEW_TOKENS,
            )
            text = reply.choices[0].message.content or ""
        except (OpenAIError, *_NOT_THE_API) as error:
            raise self._unreachable(error) from error
        return Answer(text.strip(), time.perf_counter() - started)

    def _served_model(self) -> str:
        from openai import OpenAIError

        try:
            names = [str(model.id) for model in self.client.models.list().data]
        except (OpenAIError, *_NOT_THE_API) as error:
            raise self._unreachable(error) from error
        if not names:
            raise IntentflowError(f"{self.url} serves no model")
        return names[0]

    def _unreachable(self, error: Exception) -> IntentflowError:
        status = getattr(error, "status_code", None)
        if status in (401, 403):
            return IntentflowError(
                f"{self.url} refused the key (HTTP {status}): set OPENAI_API_KEY"
            )
        if isinstance(error, _NOT_THE_API):
            reason = "its reply is of another shape"
        else:
            reason = (
                f"HTTP {status}" if status else (str(error).splitlines() or [""])[0].rstrip(".")
            )
        return IntentflowError(f"{self.url} does not answer as an OpenAI endpoint: {reason}")


# What reading a reply raises that is no JSON, or JSON without the fields of the API.
_NOT_THE_API = (ValueError, AttributeError, IndexError, TypeError)
