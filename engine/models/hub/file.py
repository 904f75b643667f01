"""A file of a model on the hub, and whether what came is that file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from engine.models.hub.errors import HubError


@dataclass(frozen=True)
class File:
    """A file of a revision.

    Attributes:
        size: Bytes.
        sha256: Of its content, for large files; "" for others.
        sha1: Of its content as a git blob, where there is no sha256.
    """

    name: str
    size: int
    sha256: str = ""
    sha1: str = ""


def check_bytes(raw: bytes, file: File) -> None:
    """Refuse a small file's content that is not what the hub promised. Raises HubError."""
    made = hash_of(file)
    made.update(raw)
    if len(raw) != file.size:
        raise HubError(f"The hub ends {file.name} before it is whole.", "Try again.", kind="damaged")
    check_digest(made.hexdigest(), file)


def hash_of(file: File) -> hashlib._Hash:
    """The hash that a file's checksum is one of, before any of its content was added."""
    if file.sha256:
        return hashlib.sha256()
    made = hashlib.sha1(usedforsecurity=False)
    made.update(b"blob %d\0" % file.size)
    return made


def check_digest(found: str, file: File) -> None:
    """Refuse content with another checksum than the hub promised. Raises HubError."""
    if found != (file.sha256 or file.sha1):
        raise HubError(
            f"{file.name} is not what the hub promised: its checksum is another.",
            "It was deleted. Try again; if that does not help, check HF_ENDPOINT and who sits between.",
            kind="damaged",
        )
