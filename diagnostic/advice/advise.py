"""Which knob limits a force field: from data, before anything is trained, or from the errors of a trained model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from e3nn import o3

from ..backbones.backbone import Backbone
from ..frames.frames import Frames
from ..frames.selection import formula_of
from ..frames.structures import Structures
from ..records.devices import choose_device
from ..records.plain import plain
from ..records.progress import Progress
from .density import Floats, featomic
from .design import Design, prepare
from .equations import Dealt, Equations, equations
from .fits import Fit, fit_columns, fit_knobs
from .need import need_curve
from .network import network_facts
from .result_object import ADVICE_SCHEMA, AdviceResult
from .result_types import AdviceContent, Choice, KnobShares, NeedPoint, PartShares
from .sample import Sample, deal, null_targets, take_sample
from .settings import KNOBS, AdviceSettings, Basis, settle, with_model
from .shares import Null, Shares, null_band, shares_of
from .verdict import Subject, verdict_of

#: Structures that channels and columns are chosen from.
_CHOSEN_FROM = 60


def advise_data(
    data: Frames | Structures,
    backbone: Backbone | None = None,
    settings: AdviceSettings | None = None,
    *,
    progress: Progress | None = None,
    device: str = "cpu",
) -> AdviceResult:
    r"""Measure what higher degrees, more radial channels, a third order and a longer cutoff hold of forces or of their error.

    The target t is the force on every atom (what the data need), or with a backbone the force minus the model's (what limits
    it). It is fitted by conservative linear models, E = sum over atoms of w . B with invariants B of the neighbour density:

    - base: order 1 and 2, l <= L, within the cutoff;
    - degree: order 2 with L < l <= top; radial: more density channels at l <= L; order: order 3 at l <= L; cutoff: order 1 and 2
      of a longer density. Each knob has the same number of coefficients, chosen without the target.

    With E the squared error on held-out structures, for a knob k

    .. math:: \text{gain}_k = 1 - \frac{E(\text{base} + k)}{E(\text{base})}, \qquad
        \text{unique}_k = \frac{E(\text{all but } k) - E(\text{all})}{E(\text{base})} .

    Parameters
    ----------
    data
        Frames or structures with forces (eV/Å), that the backbone was not trained on.
    backbone
        A model with forces; None: the data alone.
    settings
        See :class:`AdviceSettings`.
    progress
        Called with (what, done, total).
    device
        Where the model gives its forces, and Gram matrices and fits are made: ``cpu``, ``cuda``, ``cuda:1``, or ``auto``.
        Densities are made on the CPU.

    Returns
    -------
    AdviceResult
        The content of ``advice.json``.

    Raises
    ------
    InputError
        featomic is not installed; too few structures with forces; the model has no forces, does not know an element, or was
        trained on these structures.

    Notes
    -----
    Claimed is a lower bound of what a knob holds, for linear models of that order. Not claimed is that a deep network has no
    other way.
    """
    featomic()
    where = str(choose_device(device))
    if backbone is not None:
        backbone.to(where)
    settings = settings or AdviceSettings()
    sample = take_sample(data, backbone, settings)
    dealt = deal(sample, settings.seed)
    l_max, cutoff = (None, None) if backbone is None else (_l_max(backbone), backbone.cutoff)
    species = tuple(int(z) for z in np.unique(sample.numbers))
    basis = settle(with_model(settings, l_max, cutoff), species)
    target = sample.forces if sample.predicted is None else sample.forces - sample.predicted
    null = null_targets(target, sample.numbers, settings.null, np.random.default_rng([settings.seed, 2]))
    columns = [target[:, :, None], null] + ([] if backbone is None else [sample.forces[:, :, None]])
    targets = np.concatenate(columns, axis=2).reshape(3 * len(target), -1)
    design = design_of(sample, dealt, basis, tail=backbone is None)
    rows = equations(sample.structures, targets, dealt, design, progress, where)
    if progress is not None:
        progress("fits", 0, 0)
    return AdviceResult(_Measured(sample, dealt, design, rows, settings).content(data, backbone))


def design_of(sample: Sample, dealt: Dealt, basis: Basis, *, tail: bool = False) -> Design:
    """Return the columns, chosen from at most 60 of the training structures; their forces are not looked at."""
    training = np.flatnonzero(np.isin(dealt.part, ["first", "second"]))
    few = training[np.linspace(0, len(training) - 1, min(_CHOSEN_FROM, len(training))).astype(int)]
    return prepare([sample.structures[k] for k in few], basis, tail=tail)


def _l_max(backbone: Backbone) -> int | None:
    """Return the highest l of the features of any layer; None where no layer says it."""
    highest = [o3.Irreps(layer.irreps).lmax for layer in backbone.layers() if layer.irreps]
    return max(highest, default=None)


class _Measured:
    """Fits of one advice and what follows from them."""

    def __init__(
        self, sample: Sample, dealt: Dealt, design: Design, rows: Equations, settings: AdviceSettings
    ) -> None:
        self.sample, self.dealt, self.design, self.rows, self.settings = sample, dealt, design, rows, settings
        self.basis: Basis = design.basis
        groups, degrees = design.groups, design.degrees
        self.fits = fit_knobs(rows, groups)
        self.half = fit_knobs(rows, groups, like=self.fits)
        training, low = rows.first + rows.second, degrees <= np.arange(self.basis.top + 1)[:, None]
        usual = np.isin(groups, ["base", "degree"])
        self.by_l = [fit_columns(training, rows, np.flatnonzero(usual & of_l)) for of_l in low]
        ample = np.isin(groups, ["base", "degree", "radial", "order", "tail"])
        self.ample = (
            [fit_columns(training, rows, np.flatnonzero(ample & of_l)) for of_l in low] if design.tail else []
        )
        self.power = rows.power(0)

    def shares(self, fits: Mapping[str, Fit], atoms: Floats | None = None) -> Shares:
        """Return the shares, of the held-out atoms that are marked, or of all."""
        mask = np.ones(len(self.power)) if atoms is None else atoms
        errors = {name: self.rows.by_block(fit.by_atom * mask) for name, fit in fits.items()}
        power = self.rows.by_block(self.power * mask)
        return shares_of(errors, power, np.random.default_rng([self.settings.seed, 3]))

    def content(self, data: Frames | Structures, backbone: Backbone | None) -> AdviceContent:
        """Return the content of ``advice.json``."""
        shares, half, null = (
            self.shares(self.fits),
            self.shares(self.half),
            null_band({name: fit.by_block[:, : 1 + self.settings.null] for name, fit in self.fits.items()}),
        )
        rms = float(np.sqrt(self.power.sum() / (3 * len(self.power))))
        base_rms = rms * float(np.sqrt(shares.left))
        subject = Subject(backbone is not None, self.settings.accuracy, base_rms)
        low, high = shares.interval(shares.lefts)
        need, choice = self._curve(0, self.ample)
        all_left = shares.left * (1 - shares.all_gain)
        return {
            "schema": ADVICE_SCHEMA,
            "question": "need" if backbone is None else "limit",
            "model": None if backbone is None else self._model(backbone),
            "data": self._data(data),
            "settings": plain(asdict(self.settings)),
            "basis": plain(asdict(self.basis))
            | {"elements": [chemical_symbols[z] for z in self.basis.species], "columns": self.basis.columns},
            "target": {
                "rms_eV_A": rms, "base_left": shares.left, "base_left_low": low, "base_left_high": high,
                "base_rms_eV_A": base_rms, "all_left": all_left, "all_rms_eV_A": rms * float(np.sqrt(max(0.0, all_left))),
            },
            "knobs": [self._knob(k, shares, half, null) for k in range(len(KNOBS))],
            "together": dict(
                zip(("low", "high"), shares.interval(shares.all_gains), strict=True),
                gain=shares.all_gain, null_gain=null.all_gain, half_gain=half.all_gain,
                of_target=shares.all_gain * shares.left,
            ),  # type: ignore[typeddict-item]
            "need": need,
            "choice": choice,
            "forces_need": [] if backbone is None else self._curve(-1, [])[0],
            "elements": [
                self._part(chemical_symbols[z], None, self.rows.number == z) for z in np.unique(self.rows.number)
            ],
            "atoms": self._atoms(),
            "network": network_facts(
                backbone, self.sample.structures, self.basis,
                {name: float(shares.gain[k]) * shares.left for k, name in enumerate(KNOBS)},
            ),
            "verdict": verdict_of(shares, half, null, self.basis, subject),
        }  # fmt: skip

    def _model(self, backbone: Backbone) -> dict[str, Any]:
        assert self.sample.predicted is not None
        error = self.sample.forces - self.sample.predicted
        return {
            "source": backbone.info.source, "sha256": backbone.info.sha256, "architecture": backbone.info.architecture,
            "l_max": _l_max(backbone), "cutoff": backbone.cutoff,
            "force_rms_eV_A": float(np.sqrt(np.mean(error**2))), "force_mae_eV_A": float(np.mean(np.abs(error))),
        }  # fmt: skip

    def _data(self, data: Frames | Structures) -> dict[str, Any]:
        sample = self.sample
        counts = {"training": self.dealt.count("first", "second"), "validation": self.dealt.count("validation"),
                  "held_out": self.dealt.count("held_out")}  # fmt: skip
        formula = formula_of(sample.structures[0].numbers) if sample.one_composition else None
        return {
            "source": data.source, "sha256": data.sha256, "formula": formula, "structures": len(sample.structures),
            "of_structures": len(data), "atoms": len(sample.numbers), "splits": counts, "notes": list(sample.notes),
            "force_rms_eV_A": float(np.sqrt(np.mean(sample.forces**2))),
        }  # fmt: skip

    def _knob(self, k: int, shares: Shares, half: Shares, null: Null) -> KnobShares:
        low, high = shares.interval(shares.gains[:, k])
        unique_low, unique_high = shares.interval(shares.uniques[:, k])
        gain, unique = float(shares.gain[k]), float(shares.unique[k])
        return {
            "knob": KNOBS[k],  # type: ignore[typeddict-item]
            "gain": gain, "low": low, "high": high,
            "unique": unique, "unique_low": unique_low, "unique_high": unique_high,
            "of_target": gain * shares.left, "unique_of_target": unique * shares.left,
            "null_gain": float(null.gain[k]), "null_unique": float(null.unique[k]),
            "half_gain": float(half.gain[k]), "half_unique": float(half.unique[k]),
        }  # fmt: skip

    def _curve(self, target: int, ample: Sequence[Fit]) -> tuple[list[NeedPoint], Choice | None]:
        """Return the curve of one target; -1 are the forces themselves, where the first target is a model's error."""
        power = self.rows.power(target)
        return need_curve(
            [fit.by_block[:, target] for fit in self.by_l], [fit.by_block[:, target] for fit in ample],
            self.rows.by_block(power), 3 * len(power), self.settings.tolerance,
            np.random.default_rng([self.settings.seed, 4]),
        )  # fmt: skip

    def _part(self, element: str, atom: int | None, mask: Floats) -> PartShares:
        of_part = self.shares(self.fits, mask.astype(float))
        return {
            "element": element,
            "atom": atom,
            "rms_eV_A": float(np.sqrt(self.power[mask].mean() / 3)),
            "left": of_part.left,
            "together": of_part.all_gain,
            "gain": dict(zip(KNOBS, of_part.gain.tolist(), strict=True)),
            "unique": dict(zip(KNOBS, of_part.unique.tolist(), strict=True)),
        }

    def _atoms(self) -> list[PartShares]:
        if not self.sample.one_composition:
            return []
        numbers = self.sample.structures[0].numbers
        return [self._part(chemical_symbols[z], k, self.rows.atom == k) for k, z in enumerate(numbers)]
