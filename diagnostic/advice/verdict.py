"""Which knob limits: the one whose unique part is the largest, where resampling and the null band leave no doubt."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .reliability import reliability
from .result_types import AdviceVerdict, Named
from .settings import KNOBS, Basis
from .shares import Null, Shares

#: A knob is named where its unique part is the largest in at least this part of the resampled blocks.
SURE = 0.95
#: Where all knobs leave at half the training structures this many times what they leave with all, the data limit the fits.
STILL_FALLING = 1.25
#: Where the base leaves no more than this part of a model's squared error, training comes before any knob.
WITHIN_REACH = 0.05


@dataclass(frozen=True)
class Subject:
    """What the target is: the forces (``model`` False) or a model's error, with the accuracy that is wanted (eV/Å)."""

    model: bool
    accuracy: float
    base_rms: float


def named(shares: Shares, null: Null, subject: Subject) -> Named:
    """Return the knob that limits, or why none is named.

    ``nothing``: the base leaves no more than the wanted accuracy. ``none``: what all knobs hold together is no more than what
    they hold of null targets, or its interval reaches down to that or to 0. A knob: its unique part is the largest in at
    least 95 % of the resampled blocks, and above the null band in as many. Otherwise ``undecided``.
    """
    if subject.base_rms <= subject.accuracy:
        return "nothing"
    low, _ = shares.interval(shares.all_gains)
    if low <= max(0.0, null.all_gain):
        return "none"
    winner = int(np.argmax(shares.unique))
    drawn = shares.uniques
    clear = float(np.mean(np.argmax(drawn, axis=1) == winner))
    above = float(np.mean(drawn[:, winner] > max(0.0, float(null.unique[winner]))))
    knob: Named = KNOBS[winner] if min(clear, above) >= SURE else "undecided"  # type: ignore[assignment]
    return knob


def verdict_of(shares: Shares, half: Shares, null: Null, basis: Basis, subject: Subject) -> AdviceVerdict:
    """Return the verdict with its sentences."""
    knob = named(shares, null, subject)
    left, left_half = (1 - shares.all_gain) * shares.left, (1 - half.all_gain) * half.left
    falling = left > 0 and left_half / left >= STILL_FALLING and knob not in ("nothing", "none")
    data_sentence = ""
    if falling:
        data_sentence = (
            f"The data limit these fits: with half of the training structures all knobs together left {_percent(left_half)} of "
            f"the {_target(subject)}, with all of them {_percent(left)}. More structures would raise the shares."
        )
    return {
        "knob": knob,
        "sentence": _sentence(knob, shares, basis, subject),
        "limited_by_data": bool(falling),
        "data_sentence": data_sentence,
        "reliability": reliability() if subject.model else "",
    }


def what_it_holds(knob: str, basis: Basis) -> str:
    """Return what a knob stands for, in words that can begin a sentence."""
    return {
        "degree": f"Degrees above l = {basis.l_max}",
        "radial": f"More radial channels at l ≤ {basis.l_max}",
        "order": "Products of three densities",
        "cutoff": f"Neighbours from {basis.cutoff:g} to {basis.farther:g} Å",
    }[knob]


def what_to_turn(knob: str) -> str:
    """Return what to change in an architecture, an imperative without its full stop."""
    return {
        "degree": "raise l_max",
        "radial": "add radial functions or channels",
        "order": "raise the correlation order, or add a layer",
        "cutoff": "enlarge the cutoff",
    }[knob]


def _sentence(knob: Named, shares: Shares, basis: Basis, subject: Subject) -> str:
    size = f"{1000 * subject.base_rms:.3g} meV/Å"
    if subject.model and shares.left <= WITHIN_REACH and knob not in ("nothing", "none"):
        rest = replace(shares, left=1.0)
        said = _sentence(knob, rest, basis, subject).replace(_whole(subject), "the rest")
        return (
            f"Order 2 with l ≤ {basis.l_max} within {basis.cutoff:g} Å explains {_percent(1 - shares.left)} of "
            f"{_whole(subject)}, and a model of that form could have learned it: train on data like these, or for longer, before "
            f"all else. Beyond that: {said[0].lower()}{said[1:]}"
        )
    if knob == "nothing":
        return (
            f"Nothing is missing: order 2 with l ≤ {basis.l_max} within {basis.cutoff:g} Å leaves {size} of the "
            f"{_target(subject)}, within the wanted {1000 * subject.accuracy:.3g} meV/Å."
        )
    if knob == "none":
        return (
            f"No knob: all of them together remove nothing measurable of the {size} that order 2 with l ≤ {basis.l_max} within "
            f"{basis.cutoff:g} Å leaves of the {_target(subject)}. It is noise, or of another kind than these knobs."
        )
    if knob == "undecided":
        parts = []
        for k, name in _by_unique(shares):
            holds = what_it_holds(name, basis)
            gain, unique = (_share(shares, subject, part[k]) for part in (shares.gain, shares.unique))
            parts.append(f"{holds[0].lower()}{holds[1:]} hold {gain} ({unique} alone)")
        return f"No single knob stands out: of {_whole(subject)}, {'; '.join(parts)}. They stand in for one another."
    k = KNOBS.index(knob)
    gain, unique = (_share(shares, subject, part[k]) for part in (shares.gain, shares.unique))
    held = f"hold {gain} of {_whole(subject)}, {unique} that nothing else can"
    if shares.unique[k] >= shares.gain[k]:  # beside the others it holds as much as alone
        held = f"hold {unique} of {_whole(subject)}, all of which nothing else can"
    return f"{what_it_holds(knob, basis)} {held}: {what_to_turn(knob)} first."


def _by_unique(shares: Shares) -> list[tuple[int, str]]:
    return [(int(k), KNOBS[k]) for k in np.argsort(-shares.unique)[:2]]


def _target(subject: Subject) -> str:
    return "model's squared force error" if subject.model else "squared forces"


def _whole(subject: Subject) -> str:
    return "this model's squared force error" if subject.model else "the squared force that the base leaves"


def _share(shares: Shares, subject: Subject, value: float) -> str:
    """Return a share of the whole: of the model's error, or of what the base leaves of the forces."""
    return _percent(max(0.0, float(value)) * (shares.left if subject.model else 1.0))


def _percent(part: float) -> str:
    return f"{100 * part:.2g} %" if part < 0.1 else f"{100 * part:.0f} %"
