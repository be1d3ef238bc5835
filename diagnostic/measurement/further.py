"""What a diagnosis measures besides its main table, where it is asked for: directions, networks, the full controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from ...theory.errors import InputError
from ..backbones.features import Features, Layer
from ..injection.fields import InjectionName
from ..recovery.bootstrap import Bootstrap
from ..recovery.error_sums import Cell
from .full_controls import run_full_controls
from .measurement import Measurement
from .network_run import Networks, run_networks
from .plateaus import INJECTION, run_directions, weight_errors
from .settings import NETWORK

#: Power of a directional field in wrong grades, relative; float64 leaves about 1e-15.
TOLERANCE = 1e-12


@dataclass
class Further:
    """Rows for the recovery table, controls, checked fields, and sections of the result of their own."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    controls: list[dict[str, Any]] = field(default_factory=list)
    sections: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    purity: list[dict[str, Any]] = field(default_factory=list)


def measure_further(
    measure: Measurement,
    features: Callable[[], Features],
    layer: Layer,
    injection: InjectionName,
    bootstrap: Bootstrap,
    pure: Mapping[int, Cell] | None,
    time: Callable[[str], AbstractContextManager[None]],
) -> Further:
    """Measure what the settings ask for beyond the main table.

    Parameters
    ----------
    injection
        The leading injection of the run.
    pure
        Cells of the free readout of the main degree under the leading injection; None where it was not fitted.
    time
        Counts the seconds of a part.

    Returns
    -------
    Further
        ``sections`` holds ``plateaus`` and ``networks`` where they were measured.
    """
    settings, found = measure.settings, Further()
    degree = settings.main_degree
    boundary = degree * layer.l_max
    if len(settings.directions) > 1 and measure.atoms(INJECTION):
        with time("directions"):
            if pure is None or injection != INJECTION:
                pure = measure.free(features, "model", degree, INJECTION)
            rows, plateaus = run_directions(
                measure, features, pure, bootstrap, degree=degree, boundary=boundary
            )
            found.rows += rows
            found.sections["plateaus"] = plateaus
            found.purity = _weights(measure)
    entries: list[dict[str, Any]] = []
    if NETWORK in settings.readouts:
        with time("networks"):
            networks = Networks(measure, features, injection, layer.l_max, bootstrap)
            elements = {mark.atom: mark.element for mark in measure.marks}
            rows, entries = run_networks(networks, elements, degree, boundary)
            found.rows += rows
    if settings.controls and settings.full_controls:
        with time("full controls"):
            found.controls, more = run_full_controls(measure, features, layer.l_max, injection, bootstrap)
            entries += more
    if entries:
        found.sections["networks"] = entries
    return found


def _weights(measure: Measurement) -> list[dict[str, Any]]:
    """Return how far the power of each field by grade is from the exact weights; InputError where it is too far."""
    settings = measure.settings
    marks = [mark for mark in measure.marks if mark.neighbour is not None]
    others = [direction for direction in settings.directions if direction != "fixed"]
    found = weight_errors(measure.frames, settings.l_top, others, marks)
    for entry in found:
        if not entry["power_elsewhere"] <= TOLERANCE:
            raise InputError(
                f"the {entry['direction']} field of degree {entry['l']} has {entry['power_elsewhere']:.1e} of its power in "
                f"wrong grades, expected at most {TOLERANCE:.0e}; two atoms nearly coincide or l is too high: lower --l-top"
            )
    return found
