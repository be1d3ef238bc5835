"""What a check gives back: a verdict, numbers beside the paper's, and charts as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Verdict = Literal["holds", "holds in direction, number differs", "does not hold", "cannot be checked here"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Value:
    """One measured number.

    Attributes
    ----------
    name
        What it is, such as ``rho(4)``.
    value
        The number; None where there is none, which ``note`` explains.
    low, high
        Ends of its 95 % interval, where it has one.
    paper
        The paper's number, where there is one.
    expected
        What theory predicts, where it predicts a number.
    note
        A few words on what it was measured with.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    paper: float | None = None
    expected: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Line:
    """Points of one series of a chart; ``low`` and ``high`` are ends of intervals."""

    label: str
    x: Sequence[float]
    y: Sequence[float | None]
    low: Sequence[float | None] | None = None
    high: Sequence[float | None] | None = None
    style: Literal["points", "line", "theory"] = "points"


@dataclass(frozen=True)
class Chart:
    """A figure as data, drawn by ``charts``.

    Attributes
    ----------
    kind
        ``lines`` (x and y numbers), ``bars`` (x are positions of ``categories``) or ``grid`` (``cells[row][column]``).
    alt
        One sentence that says what is to be seen, for those who do not see it.
    marks
        Vertical lines with their labels, such as a ceiling.
    x_range, y_range
        Ends of the axes; None: as the points ask for.
    """

    title: str
    x_label: str
    y_label: str
    alt: str
    kind: Literal["lines", "bars", "grid"] = "lines"
    lines: Sequence[Line] = ()
    categories: Sequence[str] = ()
    rows: Sequence[str] = ()
    cells: Sequence[Sequence[float | None]] = ()
    marks: Sequence[tuple[float, str]] = ()
    log_x: bool = False
    log_y: bool = False
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Outcome:
    """The result of one check.

    Attributes
    ----------
    verdict
        One of ``VERDICTS``.
    sentence
        One or two sentences: what was found, with its numbers.
    reason
        Why it cannot be checked, or why a number differs; empty otherwise.
    values
        The measured numbers.
    tables
        Further tables: title -> rows, each row a mapping from column to value.
    charts
        Figures as data.
    inputs
        What it was measured on: names with their SHA-256 or settings.
    """

    verdict: Verdict
    sentence: str
    reason: str = ""
    values: Sequence[Value] = ()
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    charts: Sequence[Chart] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict is {self.verdict!r}, expected one of {', '.join(VERDICTS)}")
        if self.verdict == "cannot be checked here" and not self.reason:
            raise ValueError("a claim that cannot be checked needs a reason")

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outcome:
        """Restore what ``to_json`` gave."""
        charts = tuple(
            Chart(**{**chart, "lines": tuple(Line(**line) for line in chart["lines"])})
            for chart in data["charts"]
        )
        values = tuple(Value(**value) for value in data["values"])
        return cls(**{**data, "values": values, "charts": charts})
