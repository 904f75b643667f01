"""A small hub on 127.0.0.1: the routes that huggingface_hub's client asks for, and every way they can go wrong."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = (".safetensors", ".bin", ".gguf", ".h5", ".model")


@dataclass
class Repository:
    """A model of the hub: its files, and what its page says."""

    name: str
    files: dict[str, bytes]
    revision: str = ""
    about: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made = hashlib.sha1(self.name.encode())
        for name, data in sorted(self.files.items()):
            made.update(name.encode() + data)
        self.revision = self.revision or made.hexdigest()

    def entry(self, blobs: bool = True) -> dict[str, Any]:
        """What `/api/models/{id}` answers."""
        plain = {
            "id": self.name, "modelId": self.name, "sha": self.revision, "pipeline_tag": "text-generation",
            "downloads": 12_345, "likes": 6, "gated": False, "private": False, "tags": ["license:apache-2.0", "en"],
            "siblings": [self.sibling(name, blobs) for name in sorted(self.files)],
        }  # fmt: skip
        return {**plain, **self.about}

    def sibling(self, name: str, blobs: bool) -> dict[str, Any]:
        """A file in the listing."""
        data = self.files[name]
        if not blobs:
            return {"rfilename": name}
        made: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": blob_id(data)}
        if name.endswith(LARGE):
            made["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return made

    def tree(self) -> list[dict[str, Any]]:
        """What `/api/models/{id}/tree/{revision}` answers."""
        found = []
        for name, data in sorted(self.files.items()):
            made: dict[str, Any] = {"type": "file", "path": name, "size": len(data), "oid": blob_id(data)}
            if name.endswith(LARGE):
                made["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
            found.append(made)
        return found


def blob_id(data: bytes) -> str:
    """git's name for a content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def from_folder(name: str, folder: Path, **about: Any) -> Repository:
    """A repository with the files of a model folder."""
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    return Repository(name, files, about=about)


class HubServer(ThreadingHTTPServer):
    """Serves repositories, and misbehaves as told.

    Attributes:
        asked: (method, path, Range header) of every request.
        sent: Bytes of each file that went out.
        trouble: File name (or "api") -> what goes wrong: "slow", "hang", "cut", "cut once", "wrong", "longer", "401",
            "403", "gated", "404", "429", "500", "500 once", "no range", "not json", "elsewhere".
        blobs: Whether listings hold sizes and checksums.
        rate: Bytes a second of a "slow" file.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, Repository] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.tokens: list[str] = []
        self.sent: Counter[str] = Counter()
        self.trouble: dict[str, str] = {}
        self.blobs = True
        self.rate = 100_000
        self.over = threading.Event()

    @property
    def endpoint(self) -> str:
        """What HF_ENDPOINT is to be."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, *repositories: Repository) -> None:
        """Serve these too."""
        self.repositories.update({r.name: r for r in repositories})

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def variant(hub: HubServer, name: str, **files: bytes | None) -> Repository:
    """The model tiny/small under another name, with some files changed, added (`__` is a dot) or, if None, left out."""
    held = dict(hub.repositories["tiny/small"].files)
    for key, data in files.items():
        key = key.replace("__", ".")
        if data is None:
            held.pop(key, None)
        else:
            held[key] = data
    made = Repository(name, held)
    hub.add(made)
    return made


@contextmanager
def hub_server() -> Iterator[HubServer]:
    """A running hub."""
    server = HubServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing on standard error."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        path, query = unquote(parts.path), parse_qs(parts.query)
        self.server.asked.append((self.command, self.path, self.headers.get("Range", "")))
        self.server.tokens.append(self.headers.get("Authorization", ""))
        if path == "/api/models":
            self._search(query)
        elif path.startswith("/api/models/"):
            self._api(path.removeprefix("/api/models/"))
        elif "/resolve/" in path:
            name, _, rest = path.lstrip("/").partition("/resolve/")
            revision, _, file = rest.partition("/")
            self._file(name, revision, file)
        else:
            self._error(404)

    def _search(self, query: dict[str, list[str]]) -> None:
        if self._fails("api"):
            return
        words = (query.get("search") or [""])[0].casefold().split()
        found = [r.entry() for r in self.server.repositories.values() if all(w in r.name.casefold() for w in words)]
        self._json(found[: int((query.get("limit") or ["100"])[0])])

    def _api(self, rest: str) -> None:
        if self._fails("api"):
            return
        for mark in ("/revision/", "/tree/"):
            name, found, revision = rest.partition(mark)
            if found:
                break
        else:
            name, mark, revision = rest, "", "main"
        repository = self.server.repositories.get(name)
        if repository is None:
            self._error(401, "RepoNotFound")
        elif revision not in ("main", repository.revision):
            self._error(404, "RevisionNotFound")
        elif mark == "/tree/":
            self._json(repository.tree())
        else:
            self._json(repository.entry(self.server.blobs))

    def _file(self, name: str, revision: str, file: str) -> None:
        repository = self.server.repositories.get(name)
        if repository is None:
            self._error(404, "RepoNotFound")
        elif revision not in ("main", repository.revision):
            self._error(404, "RevisionNotFound")
        elif file not in repository.files:
            self._error(404, "EntryNotFound")
        elif not self._fails(file):
            self._send(repository, file, repository.files[file])

    def _fails(self, what: str) -> bool:
        trouble = self.server.trouble.get(what, "")
        if trouble.endswith(" once") and trouble[0].isdigit():
            del self.server.trouble[what]
        code = trouble.removesuffix(" once")
        if code == "gated":
            self._error(403, "GatedRepo")
        elif code == "hang":
            self.server.over.wait(60)
        elif code == "not json":
            self._raw(200, b"<html>log in to this network</html>", {})
        elif code == "elsewhere":
            self._raw(302, b"", {"Location": f"http://localhost:{self.server.server_address[1]}{self.path}"})
            del self.server.trouble[what]
        elif code.isdigit():
            self._error(int(code))
        else:
            return False
        return True

    def _send(self, repository: Repository, file: str, data: bytes) -> None:
        trouble = self.server.trouble.get(file, "")
        digest = hashlib.sha256(data).hexdigest() if file.endswith(LARGE) else blob_id(data)
        size = len(data)
        if trouble == "wrong":
            data = data[:-1] + bytes([data[-1] ^ 1])
        elif trouble == "longer":
            data += b"more than was announced"
        start, span = 0, self.headers.get("Range", "")
        headers = {"ETag": f'"{digest}"', "X-Repo-Commit": repository.revision, "Accept-Ranges": "bytes"}
        if span and trouble != "no range":
            start = int(span.removeprefix("bytes=").split("-")[0])
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        body = data[start:]
        self.send_response(206 if "Content-Range" in headers else 200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if trouble.startswith("cut"):
            body = body[: len(body) // 2]
            if trouble == "cut once":
                del self.server.trouble[file]
        step = max(1, self.server.rate // 20) if trouble == "slow" else 1 << 16
        for at in range(0, len(body), step):
            piece = body[at : at + step]
            self.wfile.write(piece)
            self.server.sent[file] += len(piece)
            if trouble == "slow" and self.server.over.wait(0.05):
                return
        if trouble.startswith("cut"):
            self.close_connection = True

    def _json(self, value: Any) -> None:
        self._raw(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _error(self, status: int, code: str = "") -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": "as the test wants it"} if code else {}
        if status == 429:
            headers["Retry-After"] = "7"
        self._raw(status, b'{"error": "as the test wants it"}', headers)

    def _raw(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


if __name__ == "__main__":  # serve folders: python -m tests.support.hub_server OWNER/NAME=FOLDER ...
    import sys

    with hub_server() as running:
        for argument in sys.argv[1:]:
            name, _, place = argument.partition("=")
            running.add(from_folder(name, Path(place)))
        sys.stdout.write(f"HF_ENDPOINT={running.endpoint}\n")
        sys.stdout.flush()
        while True:
            time.sleep(3600)
