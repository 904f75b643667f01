"""`models` on the command line: what is here, what the hub has, how one comes and goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs import console
from tests.support.consoles import EVIL, main
from tests.support.hub_server import HubServer, Repository, variant
from tests.support.hubs import hub, large_folder

__all__ = ["hub", "large_folder"]

Said = pytest.CaptureFixture[str]


def test_lists_what_is_here_and_asks_nobody(hub: HubServer, home: Path, capsys: Said) -> None:
    assert main("models") == console.OK
    said = capsys.readouterr().out
    assert "fork-s\tbundled" in said
    assert "downloaded" not in said
    assert hub.asked == []
    assert not home.exists()


def test_search_get_use_and_remove(hub: HubServer, home: Path, capsys: Said) -> None:
    assert main("models", "--search", "large") == console.OK
    said = capsys.readouterr().out
    assert "tiny/large\t3.0 M\t12 MB\tapache-2.0\t12,345\t?" in said
    assert "models get tiny/large" in said
    assert main("models", "get", "tiny/large", "--yes") == console.OK
    said = capsys.readouterr().out
    revision = hub.repositories["tiny/large"].revision
    assert revision in said
    assert said.index("Licence: apache-2.0.") < said.index("Downloaded and verified")
    assert (home / "models" / f"tiny--large--{revision[:8]}" / "model.safetensors").is_file()
    asked = len(hub.asked)
    assert main("models", "--json") == console.OK
    (here,) = json.loads(capsys.readouterr().out)["downloaded"]
    assert here["name"] == f"tiny/large@{revision[:8]}"
    assert len(hub.asked) == asked
    assert main("models", "--search", "tiny") == console.OK
    assert "\tdownloaded\n" in capsys.readouterr().out
    assert main("models", "get", "tiny/large") == console.OK
    assert "It is there already" in capsys.readouterr().out
    assert main("models", "remove", "tiny/large") == console.OK
    assert main("models", "remove", "tiny/large") == console.FAILED
    assert "tiny/large is not downloaded" in capsys.readouterr().err


def test_nothing_is_downloaded_without_a_yes(hub: HubServer, home: Path, capsys: Said) -> None:
    assert main("models", "get", "tiny/large") == console.USAGE
    said = capsys.readouterr()
    assert "Licence: apache-2.0." in said.out
    assert "Add --yes" in said.err
    assert not home.exists()


def test_what_forbids_a_download_is_said_first(hub: HubServer, home: Path, capsys: Said) -> None:
    variant(hub, "tiny/pickled", model__safetensors=None, pytorch_model__bin=b"x")
    assert main("models", "get", "tiny/pickled", "--yes") == console.FAILED
    said = capsys.readouterr()
    assert "x Its weights are only there as pickles (pytorch_model.bin)" in said.out
    assert "cannot be used here" in said.err
    assert not home.exists()


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("models", "get", "tiny/nobody", "--yes"), "no model named tiny/nobody"),
        (("models", "get", "../etc", "--yes"), "is no name of a model"),
        (("models", "get", "tiny/small", "--revision", "0" * 40), "no such revision"),
        (("models", "remove", "tiny/small"), "is not downloaded"),
    ],
)
def test_trouble_is_1_with_a_hint(hub: HubServer, capsys: Said, argv: tuple[str, ...], says: str) -> None:
    assert main(*argv) == console.FAILED
    said = capsys.readouterr().err
    assert says in said
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) > 1


def test_a_model_that_is_not_downloaded_says_how(home: Path, capsys: Said) -> None:
    assert main("run", "nli-frequency", "--model", "tiny/large") == console.USAGE
    assert "`python main.py models get tiny/large` downloads it" in capsys.readouterr().err


def test_words_of_the_hub_steer_no_terminal(hub: HubServer, capsys: Said) -> None:
    hub.add(Repository("tiny/evil", {}, about={"cardData": {"license": EVIL}}))
    assert main("models", "--search", "evil") == console.OK
    assert main("models", "--search", EVIL) == console.OK
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_a_run_takes_a_downloaded_model_by_name(hub: HubServer, home: Path, root: Path, capsys: Said) -> None:
    """As a user does it: one process downloads, another one plans a run with no hub to ask."""
    environment = {k: v for k, v in os.environ.items() if k not in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")}
    done = subprocess.run(
        [sys.executable, "main.py", "models", "get", "tiny/small", "--yes"],
        cwd=root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    code = (
        "import sys; from jobs.studies import load, plan; from jobs.paths import Home;"
        "from engine.models.downloaded import located;"
        "t = plan(load('nli-frequency'), 'smoke', model=located('tiny/small', Home.at(None).models));"
        "print(t.model.name, 'torch' in sys.modules, 'huggingface_hub' in sys.modules)"
    )
    environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == [f"tiny/small@{hub.repositories['tiny/small'].revision[:8]}", "False", "False"]
