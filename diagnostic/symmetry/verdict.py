"""What a symmetry audit says: rotation, translation and inversion, each with its numbers and its own verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .result import calculator_title
from .structure import NEARBY, ROUNDINGS


def symmetry_verdict(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{held, sentence, statements: [{name, held, decides, energy, force, worst, rounding, sentence}]}``.

    ``rotation``, ``translation`` and, where it was measured, ``inversion``: each is held where its energy (meV/atom) and its
    force (meV/Å) are within the tolerance. ``worst`` is the irrep in which most of the miss of the forces lies, ``rounding`` is
    whether the miss is rounding. ``held`` of the whole is that of the statements which decide: an inversion that is broken is a
    property of the model, such as one built for SO(3), and no failure of its rotations.
    """
    statements = [_rotation(result), _translation(result)]
    if result["summary"]["inversion_force"] is not None:
        statements.append(_inversion(result))
    return {
        "held": all(one["held"] for one in statements if one["decides"]),
        "sentence": " ".join(one["sentence"] for one in statements).replace("%", " %"),
        "statements": statements,
    }


def _rotation(result: Mapping[str, Any]) -> dict[str, Any]:
    deviations, tolerance = result["summary"], result["settings"]["tolerance"]
    energy, force = deviations["energy_rms"]["value"], deviations["force_rms"]["value"]
    held = max(energy, force) <= tolerance
    count = len(result["structures"])
    title = calculator_title(result["calculator"]["kind"])
    kept = "keeps" if held else "does not keep"
    sentence = (
        f"{title[0].upper()}{title[1:]} {kept} rotational symmetry within {tolerance:g} meV: over orientations of {count} "
        f"{'structure' if count == 1 else 'structures'} its energy deviates by {energy:.3g} meV/atom and its forces by "
        f"{force:.3g} meV/Å from their average (root mean square)."
    )
    rounding = _is_rounding(deviations, energy, force)
    powers = np.array(deviations["force_by_degree"]) ** 2
    top = int(powers.argmax()) + 1
    if rounding:
        angle = f"1e{round(np.log10(NEARBY)):d}"
        sentence += f" All of it is rounding: orientations {angle} rad apart differ as much as any."
    elif not held:
        sentence += f" Most of the forces' deviation ({powers.max() / powers.sum():.0%}) has l = {top}."
    quadrature = result["quadrature"]
    if not quadrature["resolved"] and not rounding:
        share = max(quadrature["tried"][-1]["energy_left"], quadrature["tried"][-1]["force_left"])
        sentence += f" A share of {share:.1%} lies above l = {quadrature['l_top']} and is not resolved."
    return {"name": "rotation", "held": held, "decides": True, "energy": energy, "force": force,
            "worst": None if rounding else f"l = {top}", "rounding": rounding, "sentence": sentence}  # fmt: skip


def _translation(result: Mapping[str, Any]) -> dict[str, Any]:
    changes, tolerance = result["summary"], result["settings"]["tolerance"]
    energy, force = changes["translation_energy"]["value"], changes["translation_force"]["value"]
    held = max(energy, force) <= tolerance
    rounding = _is_rounding(changes, energy, force)
    sentence = (
        f"It {'keeps' if held else 'does not keep'} translations: a shift changes the energy by {energy:.3g} meV/atom and the "
        f"forces by {force:.3g} meV/Å{', which is rounding' if rounding else ''}."
    )
    return {"name": "translation", "held": held, "decides": True, "energy": energy, "force": force, "worst": None,
            "rounding": rounding, "sentence": sentence}  # fmt: skip


def _inversion(result: Mapping[str, Any]) -> dict[str, Any]:
    changes, tolerance = result["summary"], result["settings"]["tolerance"]
    energy, force = changes["inversion_energy"]["value"], changes["inversion_force"]["value"]
    held = max(energy, force) <= tolerance
    rounding = _is_rounding(changes, energy, force)
    powers = np.array(changes["inversion_force_by_degree"]) ** 2
    top = f"{int(powers.argmax())}o" if not rounding else None
    change = f"energy by {energy:.3g} meV/atom and the forces by {force:.3g} meV/Å"
    if held:
        sentence = f"It keeps inversion: turning a structure inside out changes the {change}."
    else:
        sentence = (
            f"It breaks inversion: turning a structure inside out changes the {change}"
            + (f", most of it in the irrep {top}" if top else ", which is rounding")
            + ". That is a statement of its own, about mirror images, and decides nothing about rotations."
        )
    return {"name": "inversion", "held": held, "decides": False, "energy": energy, "force": force, "worst": top,
            "rounding": rounding, "sentence": sentence}  # fmt: skip


def _is_rounding(summary: Mapping[str, Any], energy: float, force: float) -> bool:
    """Whether a miss is no larger than what nearby orientations differ by; a difference has sqrt(2) of a rounding."""
    limits = (ROUNDINGS * np.sqrt(2.0) * summary[f"{kind}_rounding"]["value"] for kind in ("energy", "force"))
    return all(value <= limit for value, limit in zip((energy, force), limits, strict=True))
