"""A model as teacher: the policy itself, or another model from a folder."""

from __future__ import annotations

from engine.subject.protocol import Subject


def teacher(name: str, subject: Subject) -> Subject:
    """Who samples the wrong answers.

    Args:
        name: "self" for the policy as it stands, or a model folder (or a bundled model's name).
        subject: The policy.

    Raises:
        ModelError: The folder holds no model that can be loaded safely, or one that cannot answer here.
    """
    if name == "self":
        return subject
    from engine.models import load, resolve
    from engine.run.inspection import trial_step
    from engine.subject.local import LocalSubject

    found = resolve(name)
    model, tokenizer = load(found, _device(subject))
    model.eval()
    trial_step.require(found.name, model, tokenizer)
    # The same data in the teacher's own tokens: it may need more of them for the same answer.
    limits = getattr(subject, "limits", None)
    return LocalSubject(model, tokenizer, getattr(subject, "stop", None), limits=limits)


def _device(subject: Subject) -> str:
    model = getattr(subject, "model", None)
    return str(model.device) if model is not None else "cpu"
