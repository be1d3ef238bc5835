"""Whether a backbone knows the frames that it is diagnosed on: the error of its forces there, beside the recorded one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..backbones.backbone import BackboneInfo
from .result_types import ForceError

#: RMS error over RMS force from which forces count as not known: predicting no force at all has 1.
UNKNOWN = 0.8
#: An error this many times the recorded one says that the frames are of another kind than those of training.
WORSE = 3.0


def force_error(
    info: BackboneInfo,
    has_forces: bool,
    formula: str | None,
    forces: NDArray[np.float64],
    residual: NDArray[np.float64],
) -> ForceError:
    """Compare the forces of a backbone with those of the frames, and say what that means.

    Parameters
    ----------
    info, has_forces
        The backbone.
    formula
        Of the frames; None where they are of several compositions: then the model's own record of one is not compared.
    forces, residual
        ``(frames, atoms, 3)`` of the held-out frames, eV/Å: F, and F minus the backbone's.

    Returns
    -------
    ForceError
        ``foreign`` is True where the error is at least 0.8 of the forces, or three times the recorded one, or the backbone was
        trained on another molecule; False where none of that is so; None where it cannot be said: no forces, or untrained.
    """
    recorded = info.force_mae
    if not has_forces:
        return ForceError(
            mae_eV_A=None, rms_eV_A=None, relative=None, recorded_mae_eV_A=recorded, foreign=None,
            sentence="The backbone gives no forces, so whether it knows these frames was not tested.",
        )  # fmt: skip
    mae, rms = float(np.mean(np.abs(residual))), float(np.sqrt(np.mean(residual**2)))
    scale = float(np.sqrt(np.mean(forces**2)))
    relative = rms / scale if scale > 0.0 else None
    measured = f"on these frames its forces miss by {_size(mae)} on average"
    if relative is not None:
        measured += f", in RMS {100.0 * relative:.3g} % of the forces themselves"
    trained_on = (info.training or {}).get("data", {}).get("formula")
    foreign: bool | None = False
    if info.trained is False:
        foreign, said = None, f"The backbone is untrained: {measured}."
    elif None not in (trained_on, formula) and trained_on != formula:
        foreign = True
        said = f"The backbone was trained on {trained_on}, and these frames are {formula}: {measured}{_beside(recorded)}."
    elif relative is not None and relative >= UNKNOWN:
        foreign = True
        doubt = "" if info.trained else ", or was not trained"
        said = f"The backbone does not know these frames{doubt}: {measured}{_beside(recorded)}."
    elif recorded is not None and mae > WORSE * recorded:
        foreign = True
        said = f"These frames are of another kind than those that the backbone was trained for: {measured}{_beside(recorded)}."
    else:
        said = f"{measured[0].upper()}{measured[1:]}{_beside(recorded)}."
    return ForceError(
        mae_eV_A=mae, rms_eV_A=rms, relative=relative, recorded_mae_eV_A=recorded, foreign=foreign, sentence=said
    )  # fmt: skip


def _beside(recorded: float | None) -> str:
    return "" if recorded is None else f" (recorded when it was trained: {_size(recorded)})"


def _size(error: float) -> str:
    return f"{1000.0 * error:.3g} meV/Å" if error < 1.0 else f"{error:.3g} eV/Å"
