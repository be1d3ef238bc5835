"""``AdviceResult``: the result object of ``advise_data``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..records.job_result import JobResult, Plot

#: The value of the field ``"schema"`` of ``advice.json``.
ADVICE_SCHEMA = "spectral-ceilings/advice/1"


@dataclass(frozen=True)
class KnobAdvice:
    """Gain and unique part of one knob with their intervals; shares of the squared error that the base leaves."""

    knob: str
    gain: float
    low: float
    high: float
    unique: float
    unique_low: float
    unique_high: float


class AdviceResult(JobResult):
    """What ``advise_data`` measured: a mapping with the content of ``advice.json``.

    It judges no theorem, so ``held`` is None. Tables: ``knobs``, ``need``, ``elements``, ``atoms``. Plots: ``knobs``, ``need``.
    """

    schema_name = ADVICE_SCHEMA
    schema_file = "advice"
    file_name = "advice.json"
    job = "ceilings advise"
    table_names = ("knobs", "need", "elements", "atoms")

    @property
    def knobs(self) -> list[KnobAdvice]:
        """The knobs in the order degree, radial, order, cutoff."""
        names = KnobAdvice.__dataclass_fields__
        return [KnobAdvice(**{name: row[name] for name in names}) for row in self["knobs"]]

    @property
    def verdict(self) -> str:
        """The knob that limits, or ``none``, ``nothing``, ``undecided``."""
        return str(self["verdict"]["knob"])

    def _judged(self) -> str:
        return self.verdict

    def _numbers(self) -> list[tuple[str, str]]:
        target = self["target"]
        return [
            ("target", f"{1000 * target['rms_eV_A']:.4g} meV/Å"),
            ("base leaves", f"{1000 * target['base_rms_eV_A']:.4g} meV/Å"),
            ("all knobs leave", f"{1000 * target['all_rms_eV_A']:.4g} meV/Å"),
        ]

    def _summary(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        return ["knob", "gain", "unique"], [
            [row["knob"], f"{row['gain']:.3f}", f"{row['unique']:.3f}"] for row in self["knobs"]
        ]

    def _plots(self) -> dict[str, Plot]:
        from ..pages.axes import on_axes
        from .figure import knobs_panel, need_panel

        return {"knobs": Plot(on_axes(knobs_panel, self)), "need": Plot(on_axes(need_panel, self))}
