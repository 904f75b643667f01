"""What the lab understood of a user's model and data, said before anything is queued. Plain values: no torch."""

from __future__ import annotations

from engine.spec.example import Frozen


class Understanding(Frozen):
    """What a user's file holds.

    Attributes:
        file: Its name.
        form: What the rows are, in words, such as "chat messages (OpenAI)".
        rows: Rows of the file, those left out included.
        examples: Answers to learn from; a conversation may hold several.
        calls: Of them, answers that call tools; `several`: those with more than one call.
        declined: Of them, answers in words where tools were on offer: there, no call was right.
        texts: Of them, answers in words where no tool was on offer.
        tools: Different tools on offer.
        grader: How calls are compared: "strict" or "bfcl".
        train: Examples that are left to train on.
        items: Items that are measured on, by what is held out ("wording", "tools", "no_tool").
        sides: Items by where the shortcut points ("congruent", "conflicting", "neutral").
        notes: What was done to the data while they were read, a sentence each.
        left_out: Rows that cannot be used, a line each (at most 50); `left_out_count`: how many there are.
    """

    file: str
    form: str
    rows: int
    examples: int
    calls: int
    several: int = 0
    declined: int = 0
    texts: int = 0
    tools: int = 0
    grader: str = "strict"
    train: int = 0
    items: dict[str, int] = {}
    sides: dict[str, int] = {}
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    left_out_count: int = 0


class Refused(Frozen):
    """An example that the model's chat template cannot say, or not so that it is read back as it was.

    Attributes:
        row: Row of the user's file, 0 where it comes from no file.
        example: The example's id.
        reason: What went wrong.
    """

    row: int
    example: str
    reason: str


class Fit(Frozen):
    """The data as the chosen model sees them.

    Attributes:
        language: How the model's template writes calls, such as "Hermes"; "" where no answer is a call.
        context: The longest sequence of the model, in tokens.
        prompt_tokens: Tokens of the longest prompt; `answer_tokens`: of the longest right answer.
        limit: Tokens that an answer is given when it is measured.
        cut: Examples that are longer than the context, so that their prompt is cut from the left.
        prompt: The first example as the model sees it, up to where the answer begins; `answer`: its right answer.
        refused: Examples that were refused (at most 50); `refused_count`: how many there are; `refused_rows`: the rows
            of all of them, in order.
    """

    language: str = ""
    context: int
    prompt_tokens: int
    answer_tokens: int
    limit: int
    cut: int = 0
    prompt: str = ""
    answer: str = ""
    refused: tuple[Refused, ...] = ()
    refused_count: int = 0
    refused_rows: tuple[int, ...] = ()


class Cost(Frozen):
    """What one run of a kind is expected to take on this machine.

    Attributes:
        method: The method of the runs it holds for; `arms`: the arms.
        seconds: Wall time of one run that has the machine for itself, once model and data are loaded and the base is
            measured.
        low: The same where every answer is as short as a right one; `high`: where all are as long as they may be.
        memory: Bytes of the run's process at its peak, with what it shares.
        own: Of them, bytes that it shares with no other run.
        batches: The same as `memory` at smaller batches, by the number of examples.
        basis: What the figures rest on, in words.
    """

    method: str
    seconds: float
    memory: int
    basis: str = ""
    arms: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    own: int = 0
    batches: dict[int, int] = {}


class Inspection(Frozen):
    """All of it: what a trial would be made of.

    Attributes:
        understanding: None where the study's own data are used.
        costs: One for each arm whose cost could be estimated, arms with the same figures together.
        once: Seconds that come once a trial: loading model and data, measuring the base.
        seconds: Wall time of the whole trial on this machine, (low, high); None where it is not known.
        memory: Bytes that the largest run needs at its peak; 0 where it is not known.
        needs: Bytes of free memory that trying the model takes, where fewer were free, so that its costs were worked
            out; 0 where it was tried.
        warnings: What may go wrong, with what to do about it, a sentence or two each.
    """

    understanding: Understanding | None = None
    fit: Fit
    costs: tuple[Cost, ...] = ()
    once: float = 0.0
    seconds: tuple[float, float] | None = None
    memory: int = 0
    needs: int = 0
    warnings: tuple[str, ...] = ()
