"""One whole model on one graph: what it may learn, could learn and has learned of every term."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from ...theory.errors import InputError
from ..records.versions import installed_versions
from .graphs import GraphLayout
from .settings import ModelSettings
from .terms import Term, term_of

#: Standard errors that a number has to be above an exact share to contradict it. One-sided, 5 of a normal distribution are
#: 3e-7; a table of 1,000 numbers has a chance of 3e-4 of a false one.
SIGMAS = 5.0
#: Rounding of float64 through a model and a fit: features of correlation 4 cancel to 1e-12, a fit to the square root of that.
ROUNDING = 1e-6
#: A term is learned where the trained R2 is at most so far below what is representable.
SHORT = 0.02

Verdict = str
#: Verdicts of a row.
VERDICTS: tuple[Verdict, ...] = ("agrees", "not learned", "contradicted", "undecided", "no bound")


@dataclass(frozen=True)
class ModelCellSettings:
    """What one cell measures.

    Attributes
    ----------
    model, layout
        The model and the graph.
    terms
        Names of the terms: each is an output of one model that is trained on all of them.
    steps, batch, rate
        Of Adam: number of steps, configurations of a step, largest learning rate (one cycle).
    samples, held_out
        Random configurations that are trained and fitted on, and those that R2 is measured on.
    draws
        Sets of random weights of the closed form.
    seed
        Of configurations and weights.
    """

    model: ModelSettings
    layout: GraphLayout
    terms: tuple[str, ...]
    steps: int = 600
    batch: int = 64
    rate: float = 0.01
    samples: int = 4096
    held_out: int = 4096
    draws: int = 6
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.terms:
            raise InputError("a cell needs a term, such as pair(3)")
        if self.model.cutoff != self.layout.cutoff:
            raise InputError(
                f"the model's cutoff is {self.model.cutoff} Å and the graph's {self.layout.cutoff} Å: give both the same"
            )
        for name in ("steps", "batch", "samples", "held_out", "draws"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**6:
                raise InputError(
                    f"{name} of a whole model's calibration is {value!r}: give an integer from 1 to 1000000"
                )
        for term in self.terms_as_objects:
            if self.layout.chain != (term.name.startswith("torsion")):
                raise InputError(f"{term.name} is no term of the graph {self.layout.graph}")

    @property
    def terms_as_objects(self) -> tuple[Term, ...]:
        """The terms."""
        return tuple(term_of(name) for name in self.terms)

    @property
    def title(self) -> str:
        """Model and graph in a few words."""
        return f"{self.model.title}, {graph_title(self.layout)}"

    @property
    def key(self) -> str:
        """A text that tells cells apart: every setting."""
        m, g = self.model, self.layout
        size = f"nu={m.correlation}" if m.kind.orders else f"layers={m.layers}"
        return "/".join(
            (
                m.architecture, f"L={m.l_max}", size, f"channels={m.channels}", g.graph, "alike" if g.alike else "apart",
                f"cutoff={g.cutoff}", "+".join(self.terms), f"steps={self.steps}", f"batch={self.batch}", f"rate={self.rate}",
                f"samples={self.samples}", f"held={self.held_out}", f"draws={self.draws}", f"seed={self.seed}",
            )
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready data, flat but for the terms."""
        data = asdict(self)
        model, layout = data.pop("model"), data.pop("layout")
        return {**model, **layout, **data, "terms": list(self.terms)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ModelCellSettings:
        """Rebuild settings from `to_dict`."""
        model = ModelSettings(**{name: data[name] for name in ModelSettings.__dataclass_fields__})
        layout = GraphLayout(**{name: data[name] for name in GraphLayout.__dataclass_fields__})
        rest = {n: data[n] for n in cls.__dataclass_fields__ if n not in ("model", "layout", "terms")}
        return cls(model, layout, tuple(data["terms"]), **rest)


def graph_title(layout: GraphLayout) -> str:
    """Return a graph in a few words."""
    if layout.graph == "cutoff":
        return f"cutoff {layout.cutoff:g} Å"
    words = {"star": "star", "all": "all edges", "chain": "chain of bonds", "chain-all": "chain, all edges"}
    return words[layout.graph] + ("" if layout.alike else ", neighbours told apart")


@dataclass(frozen=True)
class TermRow:
    """Theory, closed form and training for one term.

    R2 is 1 - sum (y - p)^2 / sum (y - mean y)^2 on held-out configurations; errors are standard errors of that sample.

    Attributes
    ----------
    term
        Its name.
    share
        Exact largest R2 as a fraction such as "3/13"; None: theory has no bound.
    reason
        Where the share comes from, or why there is none.
    closed_form, closed_form_error
        R2 of least squares on the inputs of the last readout, over many draws of the weights below it.
    rank
        Numerical rank of those inputs: how many functions of the configuration they hold, a constant not counted.
    trained, trained_error
        R2 of the trained model.
    allowance
        How much the closed form may fall below the share because it was fitted on a sample: twice rank / samples.
    """

    term: str
    share: str | None
    reason: str
    closed_form: float
    closed_form_error: float
    rank: int
    trained: float
    trained_error: float
    allowance: float

    @property
    def exact(self) -> Fraction | None:
        """The share as a number."""
        return None if self.share is None else Fraction(self.share)

    @property
    def verdict(self) -> Verdict:
        """One of ``VERDICTS``.

        contradicted: training or the closed form is above the share by more than ``SIGMAS`` standard errors and rounding.
        undecided: the closed form does not reach the share; more draws or channels would decide. not learned: representable,
        and training fell short of share and closed form, which is of the same sample, by more than ``SHORT``. no bound:
        theory says nothing, and training reached what the closed form shows to be representable.
        """
        share = None if self.exact is None else float(self.exact)
        if share is None:
            return "not learned" if self.trained < self.closed_form - SHORT else "no bound"
        if max(
            self.trained - SIGMAS * self.trained_error, self.closed_form - SIGMAS * self.closed_form_error
        ) > share + ROUNDING:  # fmt: skip
            return "contradicted"
        if share == 0.0:
            return "agrees"  # nothing to learn: a fit to noise is below zero
        if self.closed_form + SIGMAS * self.closed_form_error + self.allowance + ROUNDING < share:
            return "undecided"
        return "agrees" if self.trained >= min(share, self.closed_form) - SHORT else "not learned"

    @property
    def sentence(self) -> str:
        """The row in a few words."""
        theory = "no bound" if self.share is None else self.share
        return f"{self.term}: theory {theory}, closed form {self.closed_form:.3f}, trained {self.trained:.3f}"


@dataclass(frozen=True)
class ModelCell:
    """A measured cell.

    Attributes
    ----------
    settings
        What was measured.
    rows
        One for each term.
    parameters
        Number of trained parameters, of the last readout too.
    seconds
        Wall time of training, of the closed form.
    versions
        Of the packages that computed it.
    """

    settings: ModelCellSettings
    rows: tuple[TermRow, ...]
    parameters: int
    seconds: tuple[float, float]
    versions: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the cell as JSON-ready data."""
        return {
            **self.settings.to_dict(),
            "parameters": self.parameters,
            "seconds_training": self.seconds[0],
            "seconds_closed_form": self.seconds[1],
            "versions": self.versions,
            "rows": [{**asdict(row), "verdict": row.verdict} for row in self.rows],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ModelCell:
        """Rebuild a cell from `to_dict`; verdicts follow from the numbers."""
        rows = tuple(
            TermRow(**{name: row[name] for name in TermRow.__dataclass_fields__}) for row in data["rows"]
        )
        seconds = (float(data["seconds_training"]), float(data["seconds_closed_form"]))
        return cls(
            ModelCellSettings.from_dict(data), rows, int(data["parameters"]), seconds, dict(data["versions"])
        )


def versions_of(settings: ModelSettings) -> dict[str, str]:
    """Return the versions of what computes a cell."""
    distributions = {
        "mace": "mace-torch",
        "sevenn": "sevenn",
        "nequip": "nequip",
        "allegro": "nequip-allegro",
    }
    return installed_versions(
        "spectral-ceilings", distributions[settings.kind.package], "e3nn", "torch", "numpy"
    )
