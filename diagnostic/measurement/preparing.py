"""Step two, prepare: what is injected, how strong, and that it has the angular frequency that it claims."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...theory.errors import InputError
from ..frames.isotropy import Isotropy
from ..injection.fields import impurity
from ..records.run_directory import RunDirectory
from .checking import Checked
from .force_error import force_error
from .plateaus import INJECTION, weight_errors
from .result_types import ForceError, Purity
from .signals import Signals, named_seed
from .site_limits import SiteLimits
from .sources import BackboneOutputs

#: Power of an injection outside its l, or of a directional field at a wrong l, relative; float64 leaves about 1e-30
#: and 1e-15.
PURITY_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Prepared:
    """What is injected, and the scales of the frames.

    Attributes
    ----------
    signals
        The signals T of every atom.
    force_rms, residual_rms
        Root mean square of the training frames' forces, and of the backbone's error on the held-out ones, eV/Å.
    amplitude
        Root mean square of the injected field per component, eV/Å.
    purity
        Power of every field outside its l.
    orientations
        How isotropic the orientations of the frames are as they are given.
    force_error
        What the backbone's forces miss on the held-out frames.
    sites
        Where the exact symmetry of the sites leaves nothing to hold.
    """

    signals: Signals
    force_rms: float
    residual_rms: float
    amplitude: float
    purity: tuple[Purity, ...]
    orientations: Isotropy
    force_error: ForceError
    sites: SiteLimits


def prepare(checked: Checked, outputs: BackboneOutputs, run: RunDirectory | None = None) -> Prepared:
    """Compute what is injected, and check that each field has the angular frequency that it claims.

    Parameters
    ----------
    checked
        What :func:`~spectral_ceilings.diagnostic.measurement.checking.check` returned.
    outputs
        Gives the residual, where no run holds its size yet.
    run
        Where the checks are kept, or None.

    Raises
    ------
    InputError
        A field has power at another l: two atoms nearly coincide, or l is too high for float64.
    """
    settings, sample = checked.settings, checked.sample
    saved = run.load_cell("checks") if run else None
    if saved is None:
        purity = _purity(checked) + _weights(checked)
        held_out = sample.part(outputs.residual(), "held_out")
        error = force_error(
            checked.info,
            outputs.has_forces,
            sample.formula if sample.compositions == 1 else None,
            sample.part(sample.forces, "held_out"),
            held_out,
        )
        saved = {"purity": purity, "residual_rms": float(np.sqrt(np.mean(held_out**2))), "force_error": error}
        if run:
            run.save_cell("checks", saved)
    force_rms = float(np.sqrt(np.mean(sample.part(sample.forces, "training") ** 2)))
    return Prepared(
        signals=Signals.of(sample, settings.l_top, settings.injections),
        force_rms=force_rms, residual_rms=float(saved["residual_rms"]), amplitude=settings.strength * force_rms,
        purity=tuple(saved["purity"]), orientations=sample.orientations(), force_error=saved["force_error"],
        sites=sample.limits(
            checked.injections, _irreps_at_sites(checked), settings.degrees, settings.l_top,
            proper=checked.equivariance.parity == "none",
        ),
    )  # fmt: skip


def _irreps_at_sites(checked: Checked) -> str:
    """Return what the features may hold: anything where no symmetry is declared; only a signal of zero is out of reach."""
    if checked.layer.declared:
        return checked.layer.irreps
    return "+".join(f"1x{l}e+1x{l}o" for l in range(checked.l_max + 1))


def _purity(checked: Checked) -> list[Purity]:
    """Return the power of every injection outside its l; InputError where one is not pure."""
    settings = checked.settings
    entries = []
    for name in checked.injections:
        rng = np.random.default_rng(named_seed(settings.seed, f"purity/{name}"))
        shares = [
            impurity(example.frames, settings.l_top, name, example.marks, rng, example.cutoff)
            for example in checked.sample.examples(name)
        ]
        for l, share in enumerate(np.max(shares, axis=0).tolist()):
            if not share <= PURITY_TOLERANCE:
                raise InputError(
                    f"the {name} injection with l = {l} has {share:.1e} of its power at another l, expected at most "
                    f"{PURITY_TOLERANCE:.0e}; two atoms nearly coincide or l is too high for float64: lower --l-top"
                )
            entries.append(Purity(injection=name, l=l, power_elsewhere=share))
    return entries


def _weights(checked: Checked) -> list[Purity]:
    """Return how far the power of each directional field at every l is from the exact weights; InputError where too far."""
    settings = checked.settings
    others = [direction for direction in settings.directions if direction != "fixed"]
    if INJECTION not in checked.injections or not others:
        return []
    measured = [
        weight_errors(example.frames, settings.l_top, others, example.marks)
        for example in checked.sample.examples(INJECTION)
    ]
    entries = [
        max(of_field, key=lambda entry: entry["power_elsewhere"]) for of_field in zip(*measured, strict=True)
    ]
    for entry in entries:
        if not entry["power_elsewhere"] <= PURITY_TOLERANCE:
            raise InputError(
                f"the {entry['direction']} field with l = {entry['l']} has {entry['power_elsewhere']:.1e} of its power at a "
                f"wrong l, expected at most {PURITY_TOLERANCE:.0e}; two atoms nearly coincide or l is too high: lower "
                "--l-top"
            )
    return entries
