"""What can go wrong with the hub, in words: each cause has its sentence and what to do next."""

from __future__ import annotations

from typing import Literal

from engine.spec.errors import ModelError

Kind = Literal["missing", "refused", "busy", "unreachable", "slow", "damaged", "space", "offline", "name"]


class HubError(ModelError):
    """The hub, or the way to it, does not give what was asked for.

    Attributes:
        kind: Which of the causes it is.
        retry_after: Seconds the hub asks to wait for, None where it asks for nothing.
    """

    def __init__(self, message: str, hint: str = "", retry_after: float | None = None, *, kind: Kind) -> None:
        super().__init__(message, hint)
        self.kind = kind
        self.retry_after = retry_after

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return self.kind in ("busy", "slow", "unreachable")


class Cancelled(ModelError):
    """The user gave a download up. What had arrived is kept, and the next try goes on from there."""

    def __init__(self) -> None:
        super().__init__("The download was stopped.", "What had arrived is kept: the next try goes on from there.")


def explained(error: Exception, what: str, endpoint: str) -> HubError:
    """A failure of huggingface_hub or of the network, as an error that says what to do.

    Args:
        what: What was asked for, e.g. "owner/name".
    """
    import httpx2
    from huggingface_hub import errors

    if isinstance(error, HubError):
        return error
    where = plain(endpoint, 100)
    if isinstance(error, errors.GatedRepoError):
        return HubError(
            f"{what} is gated: its owner lets only those download it who have accepted the terms.",
            f"Accept them on {where}, then log in with `hf auth login` or set HF_TOKEN, and try again.",
            kind="refused",
        )
    if isinstance(error, errors.DisabledRepoError):
        return HubError(f"The hub has switched {what} off.", "Choose another model.", kind="refused")
    if isinstance(error, errors.RevisionNotFoundError):
        return HubError(
            f"{what} has no such revision.", "Leave the revision out, or copy it from the hub.", kind="missing"
        )
    if isinstance(error, errors.EntryNotFoundError):
        return HubError(f"A file of {what} is no longer there.", "Look at the model's details again.", kind="missing")
    if isinstance(error, errors.RepositoryNotFoundError):
        return HubError(
            f"The hub has no model named {what}, or it is private.",
            "Look for it with `python main.py models --search WORDS`; a private one needs `hf auth login` or HF_TOKEN.",
            kind="missing",
        )
    if isinstance(error, errors.HfHubHTTPError | httpx2.HTTPStatusError):
        return _status(error.response.status_code, dict(error.response.headers), what, where)
    if isinstance(error, httpx2.TimeoutException):
        return HubError(
            f"The hub ({where}) did not answer in time.", "Try again later. What had arrived is kept.", kind="slow"
        )
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError | httpx2.WriteError | httpx2.CloseError):
        return HubError(
            f"The connection to the hub ({where}) broke off.",
            "Try again. What had arrived is kept.",
            kind="unreachable",
        )
    if isinstance(error, httpx2.TooManyRedirects | httpx2.DecodingError):
        return HubError(f"The hub ({where}) sends answers that cannot be read.", "Check HF_ENDPOINT.", kind="damaged")
    return HubError(
        f"The hub ({where}) cannot be reached: {plain(str(error), 160) or type(error).__name__}.",
        "Check the network and HF_ENDPOINT. Bundled and downloaded models work without a network.",
        kind="unreachable",
    )


def _status(status: int, headers: dict[str, str], what: str, where: str) -> HubError:
    if status in (401, 403):
        return HubError(
            f"The hub does not let you have {what} ({status}).",
            f"Look at its page on {where}; log in with `hf auth login` or set HF_TOKEN. A token that has run out must "
            "be made anew.",
            kind="refused",
        )
    if status == 404:
        return HubError(f"The hub has no {what}.", "Check how it is spelled.", kind="missing")
    if status == 429:
        wait = _seconds(headers)
        when = f"in {wait:.0f} s" if wait else "in a few minutes"
        return HubError(
            "The hub takes no more requests from here for now (429).", f"Try again {when}.", wait, kind="busy"
        )
    if status >= 500:
        return HubError(
            f"The hub is out of order for now ({status}).", "Try again later.", _seconds(headers), kind="busy"
        )
    return HubError(f"The hub answers {status} to a request for {what}.", "Check HF_ENDPOINT.", kind="damaged")


def _seconds(headers: dict[str, str]) -> float | None:
    value = headers.get("retry-after", "")
    return float(value) if value.isdigit() else None


def plain(value: object, limit: int = 100) -> str:
    """A text of the hub's, printable and cut; "" for anything that is no text."""
    if not isinstance(value, str):
        return ""
    cut = value[: limit + 1]
    kept = "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in cut)
    return kept[:limit] + "…" if len(cut) > limit else kept
