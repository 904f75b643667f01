"""Download: whole and verified or not there, from where it stopped, given up at once, used without a network."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engine.models import downloaded, resolve
from engine.models.hub import Cancelled, Details, HubError, details, download
from engine.spec.errors import ModelError
from tests.support.hub_server import HubServer

CHILD = """
import sys
from pathlib import Path
from engine.models.hub import details, download
download(details(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(downloaded.VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


def nothing_is_there(place: Path) -> None:
    assert downloaded.every(place) == []
    with pytest.raises(ModelError, match="is not downloaded"):
        resolve("tiny/large")


def test_whole_verified_and_used_without_a_network(hub: HubServer, place: Path, large_folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    wanted = details("tiny/large")
    made = download(wanted, progress=lambda done, total: seen.append((done, total)))
    assert made.path == str(place / f"tiny--large--{wanted.revision[:8]}")
    assert (made.repository, made.revision, made.bytes) == ("tiny/large", wanted.revision, wanted.bytes)
    assert seen[-1] == (wanted.bytes, wanted.bytes)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    names = {path.name for path in Path(made.path).iterdir()}
    assert names == {file.name for file in wanted.files} | {downloaded.MARK}
    assert not (place / downloaded.UNFINISHED / Path(made.path).name).exists()
    asked = len(hub.asked)
    for name in ("tiny/large", f"tiny/large@{wanted.revision[:8]}", f"tiny/large@{wanted.revision}"):
        ref = resolve(name)
        assert ref.name == f"tiny/large@{wanted.revision[:8]}"
        assert ref.digest == resolve(large_folder).digest
    assert len(hub.asked) == asked
    assert download(wanted) == made
    assert len(hub.asked) == asked
    assert [model.name for model in downloaded.every()] == [made.name]
    with pytest.raises(ModelError, match="is not downloaded"):
        resolve("tiny/large@0000000")
    downloaded.remove(made)
    nothing_is_there(place)


def start(hub: HubServer, place: Path, root: Path) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if k not in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, "tiny/large", str(place)], cwd=root, env=environment, stdin=subprocess.DEVNULL
    )


def until(true: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_kill_in_the_middle_loses_nothing(hub: HubServer, place: Path, root: Path) -> None:
    size = len(hub.repositories["tiny/large"].files["model.safetensors"])
    hub.trouble["model.safetensors"], hub.rate = "slow", 4_000_000
    child = start(hub, place, root)
    until(lambda: hub.sent["model.safetensors"] > size / 3)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    time.sleep(0.3)  # what the hub had put on its way is counted by then
    nothing_is_there(place)
    (part,) = place.glob("unfinished/tiny--large--*/model.safetensors.part")
    have = part.stat().st_size
    assert size / 5 < have < size
    hub.trouble.clear()
    hub.sent.clear()
    hub.asked.clear()
    download(details("tiny/large"))
    assert f"bytes={have}-" in [span for _, path, span in hub.asked if path.endswith("model.safetensors")]
    assert hub.sent["model.safetensors"] == size - have
    assert resolve("tiny/large").parameters == 3_000_000


def in_background(wanted: Details, stop: threading.Event) -> tuple[threading.Thread, list[BaseException]]:
    """A download on a thread of its own, and what it raises."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            download(wanted, cancelled=stop)
        except BaseException as error:  # noqa: BLE001 - looked at by the caller
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, raised


@pytest.mark.parametrize("trouble", ["slow", "hang", "500"])
def test_it_can_be_given_up(hub: HubServer, place: Path, monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    from engine.models.hub import client, transfer

    monkeypatch.setattr(client, "TIMEOUT", 30.0)
    monkeypatch.setattr(transfer, "FIRST_WAIT", 20.0)
    wanted = details("tiny/large")
    hub.trouble["model.safetensors"], hub.rate = trouble, 200_000
    stop = threading.Event()
    thread, raised = in_background(wanted, stop)
    time.sleep(0.5)
    began = time.monotonic()
    stop.set()
    thread.join(20)
    assert time.monotonic() - began < 5
    assert isinstance(raised[0], Cancelled)
    nothing_is_there(place)
    before = sum(path.stat().st_size for path in place.rglob("*.part"))
    time.sleep(0.3)
    assert sum(path.stat().st_size for path in place.rglob("*.part")) == before
    hub.trouble.clear()
    assert download(wanted).repository == "tiny/large"


@pytest.mark.parametrize(
    ("trouble", "kind", "says"),
    [
        ("wrong", "damaged", "its checksum is another"),
        ("longer", "damaged", "more of model.safetensors than it announced"),
        ("cut", "unreachable", "broke off"),
        ("hang", "slow", "did not answer in time"),
        ("401", "refused", "does not let you have"),
        ("gated", "refused", "is gated"),
        ("404", "missing", "has no tiny/large"),
        ("429", "busy", "Try again in 7 s"),
        ("500", "busy", "out of order"),
    ],
)
def test_trouble_leaves_nothing_that_looks_like_a_model(
    hub: HubServer, place: Path, monkeypatch: pytest.MonkeyPatch, trouble: str, kind: str, says: str
) -> None:
    from engine.models.hub import client, transfer

    monkeypatch.setattr(client, "TIMEOUT", 0.3)
    monkeypatch.setattr(transfer, "LONGEST_WAIT", 0.02)
    wanted = details("tiny/large")
    hub.trouble["model.safetensors"] = trouble
    with pytest.raises(HubError) as caught:
        download(wanted)
    assert says in str(caught.value)
    assert caught.value.kind == kind
    assert caught.value.hint
    nothing_is_there(place)
    hub.trouble.clear()
    assert Path(download(wanted).path).is_dir()


def test_a_page_in_place_of_a_file(hub: HubServer, place: Path) -> None:
    """What a network's log-in page sends is shorter than the file, and then another file than was promised."""
    wanted = details("tiny/large")
    hub.trouble["tokenizer.json"] = "not json"
    with pytest.raises(HubError, match=r"checksum is another|more of tokenizer.json"):
        download(wanted)
    nothing_is_there(place)


def test_a_connection_that_breaks_is_taken_up_again(hub: HubServer, place: Path) -> None:
    size = len(hub.repositories["tiny/large"].files["model.safetensors"])
    hub.trouble["model.safetensors"] = "cut once"
    download(details("tiny/large"))
    assert hub.sent["model.safetensors"] == size
    assert any(span for _, path, span in hub.asked if path.endswith("model.safetensors"))


def test_a_hub_without_ranges_begins_anew(hub: HubServer, place: Path) -> None:
    wanted = details("tiny/large")
    draft = place / downloaded.UNFINISHED / downloaded.folder_name(wanted.repository, wanted.revision)
    draft.mkdir(parents=True)
    (draft / "model.safetensors.part").write_bytes(b"of another file")
    (draft / "evil.py").write_bytes(b"left by nobody knows whom")
    hub.trouble["model.safetensors"] = "no range"
    made = download(wanted)
    assert resolve("tiny/large").parameters == 3_000_000
    assert not (Path(made.path) / "evil.py").exists()


def test_a_wrong_beginning_is_noticed(hub: HubServer, place: Path) -> None:
    wanted = details("tiny/large")
    draft = place / downloaded.UNFINISHED / downloaded.folder_name(wanted.repository, wanted.revision)
    draft.mkdir(parents=True)
    (draft / "model.safetensors.part").write_bytes(b"of another file")
    with pytest.raises(HubError, match="checksum is another"):
        download(wanted)
    assert not list(draft.glob("model.safetensors*"))
    assert download(wanted).repository == "tiny/large"


def test_room_is_looked_for_first(hub: HubServer, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = details("tiny/large")
    asked = len(hub.asked)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1_000_000})())
    with pytest.raises(HubError, match="GB free") as caught:
        download(wanted)
    assert caught.value.kind == "space"
    assert len(hub.asked) == asked


def test_what_cannot_be_used_is_not_downloaded(hub: HubServer, place: Path) -> None:
    hub.repositories["tiny/small"].files["config.json"] = b'{"model_type": "t5"}'
    with pytest.raises(ModelError, match="cannot be used here: The model 't5' is an encoder-decoder"):
        download(details("tiny/small"))
    assert not place.exists()


def test_what_turns_out_to_be_unusable_is_deleted(hub: HubServer, place: Path) -> None:
    hub.repositories["tiny/small"].files["model.safetensors"] = b"no weights at all, whatever the hub says"
    with pytest.raises(ModelError, match="was downloaded but cannot be used"):
        download(details("tiny/small"))
    assert downloaded.every() == []
    assert not list(place.rglob("*.safetensors"))


def test_one_download_of_a_model_at_a_time(hub: HubServer, place: Path) -> None:
    wanted = details("tiny/large")
    hub.trouble["model.safetensors"], hub.rate = "slow", 400_000
    stop = threading.Event()
    first, raised = in_background(wanted, stop)
    until(lambda: hub.sent["model.safetensors"] > 0)
    with pytest.raises(HubError, match="is being downloaded already"):
        download(wanted)
    stop.set()
    first.join(10)
    assert isinstance(raised[0], Cancelled)


def test_two_revisions_must_be_told_apart(hub: HubServer, place: Path) -> None:
    first = download(details("tiny/small"))
    served = hub.repositories["tiny/small"]
    served.revision = "f" * 40
    second = download(details("tiny/small"))
    with pytest.raises(ModelError, match="2 revisions") as caught:
        resolve("tiny/small")
    assert first.name in caught.value.hint
    assert second.name in caught.value.hint
    assert resolve(second.name).name == second.name
    assert resolve(first.name).digest == resolve(second.name).digest


def test_a_folder_that_only_claims_to_be_a_download(place: Path) -> None:
    for name, text in (("a", "{"), ("b", '{"repository": "x/y"}'), ("c", '{"repository": "../x", "revision": 1}')):
        (place / name).mkdir(parents=True)
        (place / name / downloaded.MARK).write_text(text, encoding="utf-8")
    assert downloaded.every() == []


LIBRARY = """
import sys
from huggingface_hub import snapshot_download
print(snapshot_download(sys.argv[1], cache_dir=sys.argv[2]))
"""


def test_what_the_hubs_own_client_downloads_is_the_same_model(hub: HubServer, place: Path, tmp_path: Path) -> None:
    """The library's cache, with all its links, read as a folder; and this hub answers as the library expects."""
    environment = {k: v for k, v in os.environ.items() if k not in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")}
    environment |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LIBRARY, "tiny/large", str(tmp_path / "cache")],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1500:]
    snapshot = Path(done.stdout.strip())
    assert (snapshot / "model.safetensors").is_symlink()
    ours = download(details("tiny/large"))
    assert resolve(snapshot).digest == resolve(ours.name).digest
    assert resolve(snapshot).name == ours.name
