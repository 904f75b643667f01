"""Requests to the hub. huggingface_hub says where to, with which token, and what an answer's status means.

Its own session is not used: it waits without a limit, and it refuses every request in a process in which a model was
loaded (the lab sets HF_HUB_OFFLINE there).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import engine
from engine.models.downloaded import NAME
from engine.models.hub.errors import HubError, explained, plain

TIMEOUT = 10.0  # seconds without a byte, after which a request has failed
LONGEST = 30.0  # seconds for a whole answer that is no file of weights
LARGEST = 32 * 2**20  # bytes of such an answer
RETRIES = 1  # of a request that met a passing trouble


class Hub:
    """The hub that `HF_ENDPOINT` names, else huggingface.co; as the user whose token is in `HF_TOKEN` or its store.

    Raises:
        HubError: The address makes no sense, or the user has asked for no network (HF_HUB_OFFLINE).
    """

    def __init__(self) -> None:
        if engine.ASKED_OFFLINE:
            raise HubError(
                "HF_HUB_OFFLINE is set, so the hub is not asked.",
                "Bundled and downloaded models work. Unset HF_HUB_OFFLINE to search and download.",
                kind="offline",
            )
        self.endpoint = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").strip().rstrip("/")
        parts = urlsplit(self.endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise HubError(
                f"HF_ENDPOINT is no web address: {plain(self.endpoint)!r}.",
                "Unset it, or set it to an address such as https://huggingface.co.",
                kind="name",
            )

    def json(self, path: str, what: str, params: dict[str, Any] | None = None) -> Any:
        """An answer of the hub's API.

        Args:
            path: Under the endpoint, quoted.
            what: What is asked for, for errors.

        Raises:
            HubError: It cannot be had.
        """
        raw = self._bytes(f"{self.endpoint}{path}", what, params, LARGEST)
        try:
            return json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise HubError(
                f"The hub ({plain(self.endpoint)}) answers with something that is no JSON.",
                "See in a browser whether this network asks for a log-in; check HF_ENDPOINT.",
                kind="damaged",
            ) from error

    def file(self, repository: str, revision: str, name: str, limit: int = LARGEST) -> bytes:
        """A small file's content. Raises HubError where it cannot be had or holds more than `limit` bytes."""
        return self._bytes(self.url(repository, revision, name), repository, None, limit)

    def url(self, repository: str, revision: str, name: str) -> str:
        """Where a file of a revision is."""
        from huggingface_hub import hf_hub_url

        return hf_hub_url(repository, name, revision=revision, endpoint=self.endpoint)

    @contextmanager
    def stream(
        self, url: str, what: str, method: str = "GET", params: dict[str, Any] | None = None, redirects: bool = True,
        headers: dict[str, str] | None = None,
    ) -> Iterator[Any]:  # fmt: skip
        """An answer, its status checked, its content still to be read. Raises HubError."""
        import httpx2
        from huggingface_hub.errors import HfHubHTTPError
        from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

        asked = {**build_hf_headers(library_name="tuning-fork"), "Accept-Encoding": "identity", **(headers or {})}
        try:
            with (
                httpx2.Client(timeout=TIMEOUT, follow_redirects=redirects) as client,
                client.stream(method, url, params=params, headers=asked) as answer,
            ):
                if answer.status_code >= 400:
                    hf_raise_for_status(answer)
                yield answer
        except (httpx2.HTTPError, httpx2.InvalidURL, HfHubHTTPError) as error:
            raise explained(error, what, self.endpoint) from error

    def _bytes(self, url: str, what: str, params: dict[str, Any] | None, limit: int) -> bytes:
        for left in range(RETRIES, -1, -1):
            try:
                return self._once(url, what, params, limit)
            except HubError as error:
                if not left or error.kind not in ("busy", "unreachable") or error.retry_after is not None:
                    raise  # who was slow once has kept the user waiting long enough
                time.sleep(0.5)
        raise AssertionError("the last try raises")

    def _once(self, url: str, what: str, params: dict[str, Any] | None, limit: int) -> bytes:
        end, held = time.monotonic() + LONGEST, bytearray()
        with self.stream(url, what, params=params) as answer:
            for chunk in answer.iter_bytes():
                held += chunk
                if len(held) > limit:
                    raise HubError(
                        f"The hub's answer about {what} is too large.", "Choose another model.", kind="damaged"
                    )
                if time.monotonic() > end:
                    raise HubError("The hub did not answer in time.", "Try again later.", kind="slow")
        return bytes(held)


def repository_path(repository: str) -> str:
    """A repository's name as part of an address. Raises HubError where it is no such name."""
    if not NAME.fullmatch(repository) or ".." in repository or "--" in repository:
        raise HubError(
            f"{plain(repository)!r} is no name of a model on the hub.",
            'It is "owner/name", as the top of a model\'s page shows it.',
            kind="name",
        )
    return quote(repository, safe="/")
