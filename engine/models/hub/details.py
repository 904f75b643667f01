"""A model on the hub before it is downloaded: its files with checksums, pinned to a commit, and findings about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from engine.models import safety, weights
from engine.models.hub import findings as look
from engine.models.hub.client import Hub, repository_path
from engine.models.hub.errors import HubError, plain
from engine.models.hub.file import File, check_bytes
from engine.models.hub.search import licence, number
from engine.models.hub.search import weights as parameters_of

REVISION = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,99}")


@dataclass(frozen=True)
class Finding:
    """Something to know before a download: "good", "warn", or "bad", which forbids it."""

    level: Literal["good", "warn", "bad"]
    text: str
    hint: str = ""


@dataclass(frozen=True)
class Details:
    """A model at one revision, and the files of it that would be downloaded.

    Attributes:
        revision: 40 hexadecimal digits.
        parameters: None where the hub does not say.
        template: Whether a chat template is there, and whether it takes tool calls.
    """

    repository: str
    revision: str
    files: tuple[File, ...]
    findings: tuple[Finding, ...]
    parameters: int | None = None
    licence: str = ""
    downloads: int = 0
    gated: bool = False
    template: Literal["none", "plain", "tools"] = "none"

    @property
    def bytes(self) -> int:
        """Size of the download in bytes."""
        return sum(file.size for file in self.files)

    @property
    def usable(self) -> bool:
        """Whether nothing forbids to download it."""
        return all(finding.level != "bad" for finding in self.findings)

    @property
    def name(self) -> str:
        """The model's name after the download."""
        return f"{self.repository}@{self.revision[:8]}"


def details(repository: str, revision: str | None = None) -> Details:
    """Look at a model on the hub. Only small files are read: its configuration and its chat template.

    Args:
        repository: "owner/name".
        revision: A commit (40 hexadecimal digits), a branch or a tag; None: the main branch. It is pinned to a commit.

    Raises:
        HubError: The model or revision does not exist, this user may not read it, or the hub fails.
    """
    path = f"/api/models/{repository_path(repository)}"
    hub = Hub()
    if revision is not None:
        if not _BRANCH.fullmatch(revision) or ".." in revision:
            raise HubError(
                f"{plain(revision)!r} is no revision.", "It is 40 hexadecimal digits, or a branch.", kind="name"
            )
        path += f"/revision/{quote(revision, safe='')}"
    info = hub.json(path, repository, {"blobs": "true"})
    sha = info.get("sha") if isinstance(info, dict) else None
    if not isinstance(sha, str) or not REVISION.fullmatch(sha):
        raise HubError(f"The hub names no commit of {repository}.", "Check HF_ENDPOINT.", kind="damaged")
    if revision and REVISION.fullmatch(revision) and revision != sha:
        raise HubError(f"The hub answers with another commit of {repository}.", "Check HF_ENDPOINT.", kind="damaged")
    listing = _Listing(hub, repository, sha, info)
    texts = {name: listing.text(name) for name in _SMALL if name in listing.names}
    shards = look.shards(texts.get(weights.INDEX)) if weights.SINGLE not in listing.names else ()
    wanted = look.wanted(listing.names, shards)
    total, _ = parameters_of(info.get("safetensors"))
    gated = bool(info.get("gated"))
    found, template = look.findings(listing.names, texts, shards, licence(info), gated, total)
    usable = all(level != "bad" for level, _, _ in found)
    return Details(
        repository=repository,
        revision=sha,
        files=tuple(listing.file(name) for name in wanted) if usable else (),
        findings=tuple(Finding(level, plain(text, 400), plain(hint, 400)) for level, text, hint in found),
        parameters=total,
        licence=licence(info),
        downloads=number(info.get("downloads")) or 0,
        gated=gated,
        template=template,
    )


_SMALL = (
    "config.json", "generation_config.json", "tokenizer_config.json", "chat_template.jinja", "adapter_config.json",
    weights.INDEX,
)  # fmt: skip


class _Listing:
    """A revision's files with size and checksum: from the model's entry, the file tree, or the file's headers."""

    def __init__(self, hub: Hub, repository: str, revision: str, info: dict[str, Any]) -> None:
        self._hub, self._repository, self._revision = hub, repository, revision
        siblings = info.get("siblings")
        entries = [e for e in siblings if isinstance(e, dict)] if isinstance(siblings, list) else []
        self._known = {str(e.get("rfilename")): _file(str(e.get("rfilename")), e) for e in entries}
        self._tree_read = False
        if not self._known:
            self._read_tree()
        self.names = frozenset(self._known)

    def file(self, name: str) -> File:
        """What is known of a file. Raises HubError where the hub gives no checksum of it."""
        if self._known.get(name) is None and not self._tree_read:
            self._read_tree()
        found = self._known.get(name) or self._asked(name)
        if found is None:
            raise HubError(
                f"The hub gives no size and checksum of {plain(name)}, so it cannot be verified.",
                "Check HF_ENDPOINT.",
                kind="damaged",
            )
        return found

    def text(self, name: str) -> bytes:
        """A small file's content, verified."""
        file = self.file(name)
        if file.size > safety.LARGEST_JSON // 2:
            raise HubError(
                f"{plain(name)} of {self._repository} is too large.", "Choose another model.", kind="damaged"
            )
        raw = self._hub.file(self._repository, self._revision, name, file.size)
        check_bytes(raw, file)
        return raw

    def _read_tree(self) -> None:
        self._tree_read = True
        path = f"/api/models/{repository_path(self._repository)}/tree/{self._revision}"
        answer = self._hub.json(path, self._repository)
        for entry in answer if isinstance(answer, list) else ():
            if isinstance(entry, dict) and entry.get("type", "file") == "file" and isinstance(entry.get("path"), str):
                made = _file(entry["path"], {**entry, "blobId": entry.get("oid")})
                self._known[entry["path"]] = made or self._known.get(entry["path"])

    def _asked(self, name: str) -> File | None:
        """Size and checksum from the response headers of the file's URL; None where either is missing."""
        url = self._hub.url(self._repository, self._revision, name)
        with self._hub.stream(url, self._repository, method="HEAD", redirects=False) as answer:
            tag = (
                (answer.headers.get("x-linked-etag") or answer.headers.get("etag") or "").removeprefix("W/").strip('"')
            )
            size = answer.headers.get("x-linked-size") or answer.headers.get("content-length") or ""
        kind = "sha256" if _SHA256.fullmatch(tag) else "sha1" if REVISION.fullmatch(tag) else ""
        return File(name, int(size), **{kind: tag}) if kind and size.isdigit() else None


def _file(name: str, entry: dict[str, Any]) -> File | None:
    """A file as a listing describes it; None where size or checksum is missing."""
    large = entry.get("lfs")
    if isinstance(large, dict):
        digest, size = large.get("sha256") or large.get("oid"), number(large.get("size") or entry.get("size"))
        digest = digest.removeprefix("sha256:") if isinstance(digest, str) else ""
        return File(name, size, sha256=digest) if size is not None and _SHA256.fullmatch(digest) else None
    blob, size = entry.get("blobId"), number(entry.get("size"))
    known = isinstance(blob, str) and REVISION.fullmatch(blob)
    return File(name, size, sha1=str(blob)) if size is not None and known else None
