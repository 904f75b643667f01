"""What `check`, `audit`, `run` and `tune-recipe` are asked alike: a study, and its model, data and sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.models.downloaded import located
from engine.spec.errors import SpecError, UnknownModel
from jobs.paths import Home
from jobs.studies import Options, Until


@contextmanager
def as_typed() -> Iterator[None]:
    """Within it, a model that is not there was named wrong: that is a fault of what was asked for, not of a model."""
    try:
        yield
    except UnknownModel as error:
        raise SpecError(error.message, error.hint) from error


@dataclass(frozen=True)
class Asked:
    """What was asked for on the command line. None: the study's own."""

    study: str
    scale: str = "quick"
    seeds: int | None = None
    until: Until | None = None
    arms: tuple[str, ...] | None = None
    model: str | None = None
    data: Path | None = None
    options: Options | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    home: Path | None = None

    def choice(self, home: Home) -> dict[str, Any]:
        """The arguments of `jobs.studies.prepare` beside the study; a downloaded model by its folder."""
        return {
            "scale": self.scale, "seeds": self.seeds, "until": self.until,
            "arms": self.arms, "model": located(self.model, home.models),
            "data": self.data, "options": self.options,
            "models": {role: str(located(name, home.models)) for role, name in self.models.items()},
        }  # fmt: skip
