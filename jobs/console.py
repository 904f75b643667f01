"""The command line: what can be typed, and how known failures end. Each command's work is in `jobs/commands/`."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.spec.errors import LabError, SpecError
from jobs.commands.reading import add_options, choices_of, sources_of
from jobs.commands.terminal.screen import Screen
from jobs.commands.typed import names, numbers, points, positive, role, roles
from jobs.paths import Home

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
Window = Callable[[Path | None], int]

EPILOG = """\
exit codes: 0 all is well; 1 something failed, with its reason; 2 the command was not understood;
130 stopped by Ctrl-C: the same command goes on from there.
"""


def main(argv: Sequence[str], open_window: Window) -> int:
    """Run one command.

    Args:
        argv: What was typed after `main.py`.
        open_window: Opens the window on a data folder (None: the user's own); given, because jobs knows no window.

    Returns:
        The exit code (see `EPILOG`).
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a letter shows its number
    screen = Screen()
    try:
        if argv and argv[0] in FORWARDED:
            # These have options of their own, which reach them untouched: `pretrain --help` is theirs.
            return FORWARDED[argv[0]](list(argv[1:]))
        options = build_parser().parse_args(argv)
        Home.at(getattr(options, "home", None)).tell()
        return options.work(options, screen, open_window)
    except SystemExit as stop:  # argparse has said why
        return stop.code if isinstance(stop.code, int) else USAGE
    except KeyboardInterrupt:
        screen.note("Stopped.")
        return INTERRUPTED
    except BrokenPipeError:
        _stop_writing()  # the reader (`| head`) has gone
        return OK
    except LabError as error:
        screen.note(f"Error: {error.message}", "bold red")
        if error.hint:
            screen.note(error.hint)
        return USAGE if isinstance(error, SpecError) else FAILED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _stop_writing()
        screen.note(f"Error: the disk is full{f' ({error.filename})' if error.filename else ''}.", "bold red")
        screen.note("Free some space and give the command again. Nothing that was stored is lost.")
        return FAILED


def _stop_writing() -> None:
    """Output goes nowhere from here on: the interpreter must not fail once more while it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="Tuning Fork tells whether a fine-tune learned the task or sharpened a shortcut. "
        "Without a command it opens the window.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _home(parser)
    parser.set_defaults(work=_window)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, text: str, work: Callable[..., int]) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(work=work)
        return sub

    start = command("start", "Open the window; without a display, run the first study and write its report.", _start)
    _home(start)

    studies = command("studies", "List the studies, or the data that they can name.", _studies)
    studies.add_argument("--sources", action="store_true", help="list the sources of data with their options")
    studies.add_argument("--json", action="store_true", help="as JSON, on standard output")
    _home(studies)

    check = command("check", "Say what the lab understands of a model and data, and what a study takes.", _check)
    _asked(check)
    check.add_argument("--json", action="store_true", help="as JSON, on standard output")
    _home(check)

    audit = command("audit", "Say whether a part of a study's input alone tells the answer; nothing is queued.", _audit)
    _asked(audit)
    audit.add_argument("--json", action="store_true", help="as JSON, on standard output")
    _home(audit)

    run = command("run", "Run a study to its verdict. The same command goes on where an earlier one stopped.", _run)
    _asked(run)
    run.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON, into a folder that is there")
    run.add_argument("--report", type=Path, metavar="FILE", action="append", default=[], help="write a report too")
    _home(run)

    tune = command(
        "tune-recipe", "Find learning rates for a study's methods, by examples that it does not measure.", _tune
    )
    _asked(tune, settles=False)
    tune.add_argument("--rates", type=numbers, metavar="R,R", help="learning rates to try (default: around the arm's)")
    tune.add_argument("--warmups", type=numbers, metavar="W,W", help="shares of warm-up to try, at the rate chosen")
    _home(tune)

    report = command("report", "Write the report of a trial that has run.", _report)
    report.add_argument("trial", metavar="TRIAL", help="a trial's name, or the beginning of it")
    report.add_argument(
        "--to", type=Path, metavar="FILE", required=True, help="format by suffix: .html .pdf .md .tex .json .csv"
    )
    report.add_argument("--items", action="store_true", help="every item's outcome instead, as a table (.csv)")
    report.add_argument("--probe", metavar="NAME", help="with --items: only this probe's (default: all)")
    _home(report)

    analyze = command(
        "analyze", "Judge results from elsewhere: a table of arm, seed, item and whether it is right.", _analyze
    )
    add_options(analyze)
    named = " (default: the arm that is called so; “none” for no arm)"
    analyze.add_argument("--treated", metavar="ARM", help="the arm the question is about (default: the last)")
    analyze.add_argument(
        "--reference", metavar="ARM", help="the arm it is compared with (default: the first tuned one)"
    )
    analyze.add_argument("--base", metavar="ARM", help='the untuned model (default: "base", or the first arm)')
    analyze.add_argument("--format", metavar="ARM", help="a control that can learn only the form of the answer" + named)
    analyze.add_argument("--planted", metavar="ARM", help="a control that was taught the shortcut itself" + named)
    analyze.add_argument(
        "--margin", type=points, metavar="POINTS", default=0.03, help="differences too small to matter (default: 3)"
    )
    analyze.add_argument(
        "--floor", type=points, metavar="PERCENT", default=0.2, help="accuracy needed for a verdict (default: 20)"
    )
    analyze.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON")
    analyze.add_argument("--report", type=Path, metavar="FILE", action="append", default=[], help="write a report too")
    _home(analyze)

    _add_models(command("models", "List base models: bundled, downloaded, and with --search the hub's.", _models))

    doctor = command("doctor", "Look at this machine, and say what to do about what is missing.", _doctor)
    doctor.add_argument("--json", action="store_true", help="as JSON, on standard output")
    _home(doctor)

    commands.add_parser("pretrain", help="Train a bundled base model from scratch.", add_help=False)
    commands.add_parser("corpus", help="Count words and facts in the bundled models' corpus.", add_help=False)
    commands.add_parser("twin", help="Tune the base and its frequency twin alike and compare.", add_help=False)
    commands.add_parser("competence", help="Measure what a base model can do, before and after tuning.", add_help=False)
    commands.add_parser("room", help="Measure for every task how much a base model can still learn.", add_help=False)
    commands.add_parser("export-world", help="Write the world's tasks as JSON lines, for others.", add_help=False)
    return parser


def _add_models(models: argparse.ArgumentParser) -> None:
    models.add_argument("--search", metavar="WORDS", help="look on the Hugging Face hub for models of these names")
    models.add_argument("--json", action="store_true", help="as JSON, on standard output")
    _home(models)
    more = models.add_subparsers(title="more", metavar="get|remove")
    text = "Show what speaks for and against a model of the hub, then download it into the data folder."
    get = more.add_parser("get", help=text, description=text, allow_abbrev=False)
    get.set_defaults(work=_models_get)
    get.add_argument("model", metavar="OWNER/NAME", help="as the top of the model's page shows it")
    get.add_argument("--revision", metavar="REV", help="a commit of 40 digits, a branch or a tag (default: main)")
    get.add_argument("--yes", action="store_true", help="download without asking")
    _home(get)
    text = "Delete a downloaded model. Results that were made with it stay."
    remove = more.add_parser("remove", help=text, description=text, allow_abbrev=False)
    remove.set_defaults(work=_models_remove)
    remove.add_argument("model", metavar="OWNER/NAME[@REV]", help="as `models` lists it")
    _home(remove)


def _home(parser: argparse.ArgumentParser) -> None:
    # SUPPRESS: a subcommand's own default would overwrite what stood before the command.
    parser.add_argument(
        "--home", type=Path, metavar="DIR", default=argparse.SUPPRESS, help="the data folder (default: your own)"
    )


def _asked(parser: argparse.ArgumentParser, settles: bool = True) -> None:
    """Which study, how large, on which model and data; `settles`: whether seeds may be added until it is settled."""
    parser.add_argument("study", metavar="STUDY", help="a study's name (see `studies`)")
    parser.add_argument(
        "--scale", choices=("smoke", "quick", "full"), default="quick", help="how large (default: quick)"
    )
    seeds = "runs per arm, paired by seed; fixed, so none are added (default: the study's)"
    parser.add_argument(
        "--seeds", type=positive, metavar="N", help=seeds if settles else "development seeds per value (default: 3)"
    )
    if settles:
        parser.add_argument(
            "--until-settled", action="store_true", help="go on until neither verdict nor answer is "
            "open (the usual way at quick scale, where --seeds is not given)",
        )  # fmt: skip
        parser.add_argument(
            "--max-seeds", type=positive, metavar="N", help="with --until-settled, which it implies: end after N seeds"
        )
    else:
        parser.set_defaults(until_settled=False, max_seeds=None)
    parser.add_argument("--arms", type=names, metavar="A,B", help="only these arms (default: all)")
    parser.add_argument(
        "--model", metavar="NAME|FOLDER", help="a bundled or downloaded model (see `models`), or a model's folder"
    )
    parser.add_argument(
        "--with", dest="models", type=role, metavar="ROLE=MODEL", action="append", default=[],
        help="another model of the study (see `studies`): its role and a model's name or folder; may be repeated",
    )  # fmt: skip
    parser.add_argument("--data", type=Path, metavar="FILE", help="your own examples, in place of the study's")
    _reading(parser)


def _reading(parser: argparse.ArgumentParser) -> None:
    """How a user's file is read, and how large a training step is."""
    parser.add_argument("--skip-bad-rows", action="store_true", help="leave out rows of --data that cannot be used")
    parser.add_argument(
        "--grader", choices=("strict", "bfcl"), default="", help="how calls are compared (docs/grading.md; default: "
        "bfcl for the leaderboard's own files, strict for all others)",
    )  # fmt: skip
    parser.add_argument(
        "--batch", type=positive, metavar="N", help="examples of a training step (default: the scale's)"
    )


def _choice(options: argparse.Namespace) -> dict[str, Any]:
    """What `check`, `audit`, `run` and `tune-recipe` are asked alike (`jobs.commands.asked.Asked`)."""
    from jobs.studies import Options, Until

    until = Until(options.max_seeds) if options.until_settled or options.max_seeds else None
    return {
        "study": options.study, "scale": options.scale, "seeds": options.seeds, "until": until, "arms": options.arms,
        "model": options.model, "models": roles(options.models), "data": options.data,
        "home": getattr(options, "home", None),
        "options": Options(grader=options.grader, skip_bad_rows=options.skip_bad_rows, batch_size=options.batch),
    }  # fmt: skip


def _window(options: argparse.Namespace, screen: Screen, open_window: Window) -> int:
    from jobs.commands.start import window

    return window(getattr(options, "home", None), open_window)


def _start(options: argparse.Namespace, screen: Screen, open_window: Window) -> int:
    from jobs.commands.start import start

    return start(getattr(options, "home", None), screen, open_window)


def _studies(options: argparse.Namespace, screen: Screen, open_window: Window) -> int:
    from jobs.commands.sources import sources
    from jobs.commands.studies import studies

    if options.sources:
        return sources(screen, as_json=options.json)
    return studies(getattr(options, "home", None), screen, as_json=options.json)


def _check(options: argparse.Namespace, screen: Screen, open_window: Window) -> int:
    from jobs.commands.check import Question, check

    return check(Question(**_choice(options), as_json=options.json), screen)


def _audit(options: argparse.Namespace, screen: Screen, open_window: Window) -> int:
    from jobs.commands.audit import Question, audit

    return audit(Question(**_choice(options), as_json=options.json), screen)


def _run(options: argparse.Namespace, screen: Screen, open_window: Window) -> int:
    from jobs.commands.run import Request, run

    request = Request(
        **_choice(options),
        json=options.json,
        reports=tuple(options.report),
    )
    return run(request, screen)


def _tune(options: argparse.Namespace, screen: Screen, open_window: Window) -> int:
    from jobs.commands.tune_recipe import Request, tune_recipe

    request = Request(**_choice(options), rates=options.rates or (), warmups=options.warmups or ())
    return tune_recipe(request, screen)


def _report(options: argparse.Namespace, screen: Screen, open_window: Window) -> int:
    from jobs.commands.report import Wanted, report

    wanted = Wanted(options.trial, options.to, options.items, options.probe)
    return report(wanted, getattr(options, "home", None), screen)


def _analyze(options: argparse.Namespace, screen: Screen, open_window: Window) -> int:
    from jobs.commands.analyze import analyze
    from jobs.elsewhere.judge import PARTS, Thresholds

    parts = {part: getattr(options, part) for part in PARTS}
    limits = Thresholds(options.margin, options.floor)
    return analyze(
        sources_of(options), choices_of(options), parts, limits, options.report, options.json,
        getattr(options, "home", None), screen, only_show=options.show,
    )  # fmt: skip


def _doctor(options: argparse.Namespace, screen: Screen, open_window: Window) -> int:
    from jobs.commands.doctor import doctor

    return doctor(getattr(options, "home", None), screen, as_json=options.json)


def _models(options: argparse.Namespace, screen: Screen, open_window: Window) -> int:
    from jobs.commands.models import models

    return models(getattr(options, "home", None), screen, options.search, as_json=options.json)


def _models_get(options: argparse.Namespace, screen: Screen, open_window: Window) -> int:
    from jobs.commands.models import get

    return get(options.model, options.revision, options.yes, getattr(options, "home", None), screen)


def _models_remove(options: argparse.Namespace, screen: Screen, open_window: Window) -> int:
    from jobs.commands.models import remove

    return remove(options.model, getattr(options, "home", None), screen)


def _pretrain(argv: list[str]) -> int:
    from engine.pretraining.loop import main as pretrain

    return pretrain(argv)


def _room(argv: list[str]) -> int:
    from engine.pretraining.competence.room import main as room

    return room(argv)


def _competence(argv: list[str]) -> int:
    from engine.pretraining.competence.command import main as competence

    return competence(argv)


def _corpus(argv: list[str]) -> int:
    from engine.world.corpus import main as corpus

    return corpus(argv)


def _export_world(argv: list[str]) -> int:
    from engine.world.export.files import main as export_world

    return export_world(argv)


def _twin(argv: list[str]) -> int:
    from engine.pretraining.competence.twin import main as twin

    return twin(argv)


FORWARDED = {
    "pretrain": _pretrain,
    "twin": _twin,
    "corpus": _corpus,
    "competence": _competence,
    "room": _room,
    "export-world": _export_world,
}
