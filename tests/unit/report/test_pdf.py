"""The PDF: tagged, titled, readable by machines, the same bytes each time, and Typst only where one is made."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pypdf import PdfReader

from engine.spec.errors import ReportError
from engine.spec.result import Result
from jobs.report import write
from jobs.report.content.sections import report_of
from jobs.report.formats import pdf
from tests.support.documents import pdf_text


@pytest.mark.parametrize("name", ["calls", "smoke", "partial", "big", "other", "elsewhere"])
def test_it_keeps_the_standard_for_accessible_documents(name: str, request: pytest.FixtureRequest) -> None:
    """PDF/UA-1: every figure has words, every table its header, headings are in order, every letter has a font."""
    report = report_of(request.getfixturevalue(name))
    assert pdf.render(report, standards=("ua-1",)).startswith(b"%PDF-")


def test_it_says_what_it_is(calls: Result) -> None:
    document = PdfReader(io.BytesIO(pdf.render(report_of(calls))))
    root = document.trailer["/Root"].get_object()
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert document.metadata is not None
    assert document.metadata.title == calls.study.question
    assert document.metadata.creation_date is None  # a date would make each file another


def test_the_same_report_gives_the_same_bytes(calls: Result) -> None:
    assert pdf.render(report_of(calls)) == pdf.render(report_of(calls))


def test_what_typst_cannot_do_is_told(calls: Result, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    letter_of_no_font = calls.model_copy(update={"notes": ("\U0010fffd",)})
    with pytest.raises(ReportError, match="cannot be set as a PDF"):
        pdf.render(report_of(letter_of_no_font), standards=("ua-1",))
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(ReportError, match="typst") as caught:
        write(calls, tmp_path / "r.pdf")
    assert "set-up" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_digest_can_be_copied(calls: Result) -> None:
    """It breaks where the line ends, and no unseen character is what lets it break."""
    content = pdf.render(report_of(calls))
    assert calls.study.registration is not None
    assert calls.study.registration.digest in pdf_text(content).replace("\n", "")
    drawn = b"".join(page.get_contents().get_data() for page in PdfReader(io.BytesIO(content)).pages)
    assert b"BDC" in drawn
    assert b"ActualText" not in drawn  # nothing is read but what is drawn


def test_a_long_name_ends_where_its_line_ends(calls: Result) -> None:
    """Else it would run off the page, or over the figures in the next column."""
    arms = tuple(arm.model_copy(update={"label": "x" * 200}) for arm in calls.arms)
    report = report_of(calls.model_copy(update={"arms": arms}))
    content = pdf.render(report)
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    assert max(map(len, re.findall("x+", text))) < 120
    assert "x" * 200 in pdf_text(content).replace("\n", "")  # and whoever copies it gets all of it


def test_a_long_table_repeats_its_header(big: Result) -> None:
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf.render(report_of(big)))).pages]
    heads = [page for page in pages if "95 % interval" in page.replace("\N{NO-BREAK SPACE}", " ") and "read as" in page]
    assert len(heads) > 1


def test_the_scales_warning_is_beside_every_table_and_figure(smoke: Result) -> None:
    report = report_of(smoke)
    text = " ".join(pdf_text(pdf.render(report)).split())
    blocks = [block for section in report.sections for block in section.blocks]
    shown = [block for block in blocks if type(block).__name__ in ("Table", "Figure", "Value")]
    assert text.count(" ".join(smoke.study.note.split())) == len(shown) + 1


def test_typst_is_loaded_only_for_a_pdf(root: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from jobs import report; from tests.support.results import small; "
        "folder = Path(sys.argv[1]); "
        "[report.write(small(), folder / f'r{end}') for end in report.SUFFIXES if end != '.pdf']; "
        "assert 'typst' not in sys.modules; report.write(small(), folder / 'r.pdf'); assert 'typst' in sys.modules"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
