"""What a control shows, said from its numbers: a sentence never claims what this run does not show."""

from __future__ import annotations

from collections.abc import Mapping

from .verdict import MINIMUM

#: Above the ceiling this share of R2 at the ceiling is no cliff any more.
_NO_CLIFF = 0.8
#: With so many independent orientations the frames are said to turn by themselves.
TURNS = 10.0
#: Below this share most of the cliff stands.
_MOSTLY = 0.25


def heights(at: Mapping[int, float], boundary: int) -> str:
    """Return R2 at the ceiling and one above it, as far as they were measured."""
    inside, outside = at.get(boundary), at.get(boundary + 1)
    parts = [] if inside is None else [f"R² = {inside:.3f} at l = {boundary}"]
    parts += [] if outside is None else [f"{outside:.3f} at l = {boundary + 1}"]
    return " and ".join(parts) or "every l asked for lies below the ceiling"


def untrained_sentence(at: Mapping[int, float], boundary: int) -> str:
    """Return what a backbone with random weights shows; `at` holds R2 of the median atom by l."""
    lead = "The same architecture with random weights, the same frames, targets and readout: " + heights(
        at, boundary
    )
    inside, outside = at.get(boundary), at.get(boundary + 1)
    if inside is None or outside is None:
        return f"{lead}. Without a number at the ceiling and one above it, this control does not show where the cliff stands."
    if outside > MINIMUM:
        return (
            f"{lead}. Above the ceiling something is recovered that theory excludes: look for an error first."
        )
    if inside <= MINIMUM:
        return (
            f"{lead}. With random weights these features recover hardly anything at the ceiling, so this control does not "
            "show where the cliff is."
        )
    return (
        f"{lead}. The ceiling is a property of the irreps, not of training: training moves the height below the ceiling, not its "
        "place."
    )


def unrotated_sentence(at: Mapping[int, float], boundary: int, orientations: float | None = None) -> str:
    """Return what frames that nobody turned show.

    Parameters
    ----------
    at
        R2 of the median atom by l.
    boundary
        The ceiling.
    orientations
        How many independent orientations those of the frames count like; None: not known.
    """
    lead = "The same fit on frames as they are stored, none of them turned: " + heights(at, boundary)
    inside, outside = at.get(boundary), at.get(boundary + 1)
    if inside is None or outside is None or inside <= MINIMUM:
        return f"{lead}. There is no cliff to compare with, so this control shows nothing."
    count = (
        ""
        if orientations is None
        else f" (they count like {max(1.0, orientations):.3g} independent orientations)"
    )
    imitate = (
        f"On the few directions that these frames show{count}, a function of low l can imitate one of high l"
    )
    if outside >= _NO_CLIFF * inside:
        return f"{lead}. {imitate}, and the cliff vanishes. A test without random rotations says nothing about the ceiling."
    if outside > _MOSTLY * inside:
        return f"{lead}. {imitate}: much of the cliff is gone. A test without random rotations would put the ceiling wrong."
    stays = "the cliff stays" if outside <= MINIMUM else "most of the cliff stays"
    if orientations is None or orientations < TURNS:
        return (
            f"{lead}. Here {stays} without random rotations{count}. On other frames that hardly turn it need not: a polynomial "
            "can imitate a high l on few directions."
        )
    turning = f"In these frames the molecule turns by itself{count}, so {stays} without random rotations"
    if outside > MINIMUM:
        return (
            f"{lead}. {turning}, but not all of it: what is recovered above the ceiling imitates a high l on the directions "
            "that occur."
        )
    return f"{lead}. {turning}. Along a trajectory that hardly turns it would not, so the rotations are kept."
