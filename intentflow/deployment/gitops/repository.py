"""A temporary clone of a GitOps repository, by the system's git.

The user's own clone stays unchanged: all work is done in a temporary one. Credentials come from the
ssh agent, git's own helpers, or ``INTENTFLOW_GIT_TOKEN`` (and ``INTENTFLOW_GIT_USERNAME``), which
never appear in an argument, a file or a message.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from intentflow.config import nearest
from intentflow.errors import InputError, ServiceError, UsageError
from intentflow.io.addresses import MASK, holds_secret, mask_secrets

_SECONDS = 300
_TOKEN = "INTENTFLOW_GIT_TOKEN"
_USER = "INTENTFLOW_GIT_USERNAME"
# git runs this program for credentials; the token reaches it only through the environment.
_HELPER = f'!f() {{ echo "username=${{{_USER}:-git}}"; echo "password=${_TOKEN}"; }}; f'
_NO_ACCESS = (
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "Permission denied",
    "terminal prompts disabled",
    "returned error: 401",
    "returned error: 403",
)


class GitError(ServiceError):
    """git failed.

    Args:
        message: The error message.
        output: Complete output of git, without secrets.
    """

    def __init__(self, message: str, output: str) -> None:

        super().__init__(message)
        self.output = output


class PushRejectedError(ServiceError):
    """Another commit was pushed first, so the change has to be made again on top of it."""


class Repository:
    """A temporary clone of one branch; :func:`cloned` creates it.

    Attributes:
        url: URL of the original, without credentials, for messages.
        root: Work tree of the clone.
        branch: The branch that is checked out.
    """

    def __init__(self, url: str, root: Path, branch: str) -> None:

        self.url, self.root, self.branch = without_credentials(url), root, branch

    def git(self, *arguments: str) -> str:
        """Run git in the work tree and return its output.

        Raises:
            GitError: git failed; the message has the last line of its output.
        """
        return _git(self.url, "-C", str(self.root), *arguments)

    def commit(self, message: str) -> str | None:
        """Commit all changes; returns the commit, or None if there are none."""
        self.git("add", "--all")
        if not self.git("status", "--porcelain"):
            return None
        self.git(*self._author(), "commit", "--quiet", "--no-verify", "--message", message)
        return self.head()

    def revert(self, commit: str, message: str) -> str:
        """Commit the reverse of a commit and return the new one.

        Raises:
            GitError: Later changes are in conflict with it.
        """
        self.git(*self._author(), "revert", "--no-edit", commit)
        self.git(*self._author(), "commit", "--quiet", "--no-verify", "--amend", "-m", message)
        return self.head()

    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "HEAD").strip()

    def push(self, branch: str) -> None:
        """Push the commit that is checked out.

        Raises:
            PushRejectedError: The branch has moved on.
            ServiceError: The branch is protected, or the server refused for another reason.
        """
        try:
            self.git("push", "--porcelain", "origin", f"HEAD:refs/heads/{branch}")
        except GitError as failure:
            raise _explain_push(failure, self.url, branch) from None

    def catch_up(self, branch: str) -> None:
        """Reset the branch to its state on the server; local commits are discarded."""
        self.git("fetch", "--quiet", "origin", f"refs/heads/{branch}")
        self.git("reset", "--quiet", "--hard", "FETCH_HEAD")

    def _author(self) -> list[str]:
        """Git's configured author; without one, as in a pod, intentflow."""
        known = os.environ.get("GIT_AUTHOR_NAME") and os.environ.get("GIT_COMMITTER_NAME")
        try:
            known = known or self.git("config", "user.email")
        except GitError:
            known = None
        names = ["-c", "user.name=intentflow", "-c", "user.email=intentflow@localhost"]
        return [] if known else names


@contextmanager
def cloned(where: str, branch: str, push_branch: str | None, *, deep: bool) -> Iterator[Repository]:
    """A temporary clone of the branch, or of the push branch if it exists already.

    Args:
        where: A URL, a bare repository, or a clone, whose origin is used.
        branch: Branch that has to exist, unless the repository is empty.
        push_branch: A branch for a pull request.
        deep: Whether to clone the complete history instead of the last commit.

    Raises:
        ServiceError: The repository does not exist or cannot be accessed.
        UsageError: There is no such branch, or git is not installed.
        InputError: The URL contains a secret, or a clone has no origin.
    """
    url = _remote(where)
    heads = _heads(url)
    if heads and branch not in heads:
        guess = nearest(branch, heads)
        there = ", ".join(sorted(heads)[:5])
        hint = f"; did you mean {guess}?" if guess else f"; choose from {there}"
        raise UsageError(f"{without_credentials(url)} has no branch {branch}{hint}")
    start = push_branch if push_branch in heads else branch
    with tempfile.TemporaryDirectory(prefix="intentflow-git-") as folder:
        root = Path(folder) / "clone"
        depth = [] if deep else ["--depth", "1"]
        only = ["--single-branch", "--branch", str(start)] if heads else []
        clone = ["clone", "--quiet", *depth, *only, "--", _as_url(url), str(root)]
        _git(without_credentials(url), *clone)
        repository = Repository(url, root, str(start))
        if not heads:
            repository.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        yield repository


def without_credentials(text: str) -> str:
    """A text without the user names and passwords of its URLs, and without the token."""
    token = os.environ.get(_TOKEN)
    if token:
        text = text.replace(token, MASK)
    return mask_secrets(text)


def _remote(where: str) -> str:
    """The repository to clone from and push to."""
    parts = urlsplit(where)
    if parts.password or (parts.scheme in ("http", "https") and holds_secret(where)):
        raise InputError(
            f"{mask_secrets(where)}: the URL contains a user name, password or token, which would "
            f"be visible: put it into {_TOKEN} (and {_USER})"
        )
    path = Path(where)
    if "://" in where or not path.exists():
        return where
    if not (path / ".git").exists():
        return str(path.resolve())  # bare
    try:
        origin = _git(where, "-C", where, "remote", "get-url", "origin").strip()
    except GitError:
        raise InputError(
            f"{where} is a clone without an origin to push to: give the repository's URL"
        ) from None
    relative = "://" not in origin and (path / origin).exists()
    return str((path / origin).resolve()) if relative else origin


def _as_url(where: str) -> str:
    """A local path as a URL, because git clones paths completely."""
    return Path(where).resolve().as_uri() if Path(where).exists() else where


def _heads(url: str) -> set[str]:
    lines = _git(without_credentials(url), "ls-remote", "--heads", "--", url).splitlines()
    return {line.split("refs/heads/", 1)[1] for line in lines if "refs/heads/" in line}


def _git(about: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("mode git needs the git command: install git") from None
    except subprocess.TimeoutExpired:
        raise ServiceError(f"{about}: git did not end within {_SECONDS} s") from None
    if done.returncode:
        output = without_credentials(f"{done.stdout}\n{done.stderr}")
        raise GitError(_explain(about, output), output)
    return done.stdout


def _environment() -> dict[str, str]:
    """Environment in which git never prompts, prints English and finds the token, if any."""
    own = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    own["GIT_SSH_COMMAND"] = os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    if os.environ.get(_TOKEN):
        settings = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
        own["GIT_CONFIG_COUNT"] = str(settings + 1)
        own[f"GIT_CONFIG_KEY_{settings}"] = "credential.helper"
        own[f"GIT_CONFIG_VALUE_{settings}"] = _HELPER
    # Set while git runs a hook: they would refer to another repository than the clone.
    inherited = {k: v for k, v in os.environ.items() if k not in ("GIT_DIR", "GIT_WORK_TREE")}
    return {**inherited, **own}


def _explain(about: str, output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if any(word in output for word in _NO_ACCESS):
        return (
            f"{about}: git has no access: load a key into the ssh agent, "
            f"or put a token into {_TOKEN}"
        )
    reported = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    return (
        f"{about}: git: {reported[0].partition(': ')[2] or reported[0]}"
        if reported
        else f"{about}: git"
    )


def _explain_push(failure: GitError, url: str, branch: str) -> ServiceError:
    output = failure.output
    if "[rejected]" in output or "cannot lock ref" in output or "failed to update ref" in output:
        return PushRejectedError(f"{url}: the branch {branch} has moved on")
    if "branch is currently checked out" in output:
        return ServiceError(
            f"{url}: the branch {branch} is checked out there: push to a bare repository, "
            "or give --push-branch"
        )
    if "[remote rejected]" in output:
        reported = re.findall(r"^remote:\s*(.*\S)", output, re.MULTILINE)
        reason = re.search(r"\[remote rejected\] \((.*)\)", output)
        why = " ".join([*reported[-3:], f"({reason[1]})" if reason else ""]).strip()
        return ServiceError(
            f"{url}: the branch {branch} accepts no push: {why}; "
            "give --push-branch B and open a pull request"
        )
    return failure
