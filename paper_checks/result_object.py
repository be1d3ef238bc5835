"""``PaperResult``: the result object of ``check_paper``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from ..diagnostic.records.job_result import JobResult, Plot, Row
from ..diagnostic.records.plain import plain
from ..theory.errors import InputError
from .outcome import Chart, Outcome
from .registry import Claim
from .run import RESULT_SCHEMA, Checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PACKAGE = __name__.rpartition(".")[0]
#: Fields of a claim in ``paper.json`` that the registry does not give.
_MEASURED = ("outcome", "seconds", "diagnoses_seconds")


class PaperResult(JobResult):
    """Every claim of the paper that was checked: a mapping with the content of ``paper.json``.

    Tables: ``claims`` (one row for each, without its long texts), ``values`` (every measured number with its claim).

    Plots: the id of any claim that has a chart; ``chart`` is its number, from 0.
    """

    schema_name = RESULT_SCHEMA
    schema_file = "paper"
    file_name = "paper.json"
    job = "ceilings paper"
    table_names = ("claims", "values")
    _reused: frozenset[str]

    @classmethod
    def of(cls, content: dict[str, Any], checked: Sequence[Checked]) -> PaperResult:
        """Return the result of a run: the content of ``paper.json``, and which claims were taken from an earlier run."""
        made = cls(plain(content, "paper"))
        made._reused = frozenset(claim.claim.id for claim in checked if claim.reused)
        return made

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of ``paper.json``."""
        text = resources.files(_PACKAGE).joinpath("paper.schema.json").read_text(encoding="utf-8")
        loaded: dict[str, Any] = json.loads(text)
        return loaded

    @property
    def held(self) -> bool:
        """Whether no claim that must hold fails."""
        return bool(self["held"])

    @property
    def sentence(self) -> str:
        """How many claims hold, and which of those that must hold fail."""
        return str(self["summary"])

    @property
    def checked(self) -> list[Checked]:
        """The claims with their outcomes as objects; ``reused`` is known of a run, not of what was loaded."""
        reused: frozenset[str] = getattr(self, "_reused", frozenset())
        return [
            Checked(
                Claim(**{name: value for name, value in claim.items() if name not in _MEASURED}),
                Outcome.from_json(claim["outcome"]),
                claim["seconds"],
                claim["id"] in reused,
                claim.get("diagnoses_seconds", 0.0),
            )
            for claim in self["claims"]
        ]

    def _table(self, name: str) -> Iterable[Row]:
        if name == "values":
            return (
                {"claim": claim["id"], **value}
                for claim in self["claims"]
                for value in claim["outcome"]["values"]
            )
        return (
            {
                **{
                    key: claim[key] for key in ("id", "title", "where", "must_hold", "paper_value", "seconds")
                },
                **{key: claim["outcome"][key] for key in ("verdict", "sentence", "reason")},
            }
            for claim in self["claims"]
        )

    def _numbers(self) -> list[tuple[str, str]]:
        return [
            ("claims", str(len(self["claims"]))),
            ("data", str(self["data"])),
            ("seed", str(self["seed"])),
        ]

    def _summary(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        return ("claim", "verdict", "measured"), [
            [claim["id"], claim["outcome"]["verdict"], claim["outcome"]["sentence"]]
            for claim in self["claims"]
        ]

    def _plots(self) -> dict[str, Plot]:
        return {
            claim["id"]: Plot(
                _charts(claim["id"], claim["outcome"]),
                "" if claim["outcome"]["charts"] else "the claim has no chart",
                ("chart",),
            )
            for claim in self["claims"]
        }


def _charts(claim: str, outcome: dict[str, Any]) -> Callable[..., None]:
    def draw(axes: Axes, chart: int = 0) -> None:
        from ..diagnostic.pages.axes import palette_of
        from .charts import draw_on

        charts: Sequence[Chart] = Outcome.from_json(outcome).charts
        if not 0 <= chart < len(charts):
            raise InputError(f"chart is {chart}, expected 0 to {len(charts) - 1} for the claim {claim}")
        draw_on(axes, charts[chart], palette_of(axes))

    return draw
