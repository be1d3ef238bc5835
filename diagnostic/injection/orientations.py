"""Each use of a frame gets its own orientation; features and targets are turned exactly, not recomputed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ...numerics.wigner import wigner_d_all
from ..frames.splits import Split
from ..records.devices import placed
from .fields import l_slice


@dataclass(frozen=True)
class _Placed:
    """What uses are turned with, on one device."""

    frames: torch.Tensor
    rotations: torch.Tensor
    matrices: tuple[torch.Tensor, ...]
    unrelated: tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Uses:
    """Uses of frames, each with its rotation.

    Attributes
    ----------
    frames
        ``(uses,)``: the frame of each use.
    rotations
        ``(uses, 3, 3)``.
    matrices
        Wigner matrices of the rotations, ``matrices[l]`` is ``(uses, 2 l + 1, 2 l + 1)``.
    unrelated
        Permutations of the uses. A use and its partner differ in frame and in orientation, so a target taken from
        the partner has nothing to do with the features: the null.
    """

    frames: NDArray[np.int64]
    rotations: NDArray[np.float64]
    matrices: tuple[NDArray[np.float64], ...]
    unrelated: tuple[NDArray[np.int64], ...]
    _on: dict[torch.device, _Placed] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.frames)

    def _placed(self, device: torch.device) -> _Placed:
        """Return the uses on a device, where they stay once they were there."""
        if device not in self._on:
            self._on[device] = _Placed(
                placed(self.frames, device),
                placed(self.rotations, device),
                tuple(placed(matrix, device) for matrix in self.matrices),
                tuple(placed(order, device) for order in self.unrelated),
            )
        return self._on[device]

    def turn(self, values: torch.Tensor) -> torch.Tensor:
        """Turn ``(frames, channels, 2 l + 1)`` into ``(uses, channels, 2 l + 1)`` in the lab frame, where the values lie."""
        uses = self._placed(values.device)
        matrix = uses.matrices[(values.shape[2] - 1) // 2]
        return torch.bmm(values[uses.frames], matrix.transpose(1, 2))

    def turn_signal(self, signal: torch.Tensor) -> torch.Tensor:
        """Turn ``(frames, (l_top + 1)^2)`` into the lab frame of every use, where the signal lies."""
        uses = self._placed(signal.device)
        at_uses = signal[uses.frames]
        return torch.cat(
            [
                torch.bmm(uses.matrices[l], at_uses[:, l_slice(l), None])[:, :, 0]
                for l in range(int(np.sqrt(signal.shape[1])))
            ],
            dim=1,
        )

    def along(self, vectors: torch.Tensor) -> torch.Tensor:
        """Turn ``(frames, 3)`` and return the component along the lab-fixed direction e = (0, 0, 1)."""
        uses = self._placed(vectors.device)
        return (uses.rotations[:, 2] * vectors[uses.frames]).sum(dim=1)

    def of_unrelated(self, values: torch.Tensor, draw: int) -> torch.Tensor:
        """Return values ``(uses, ...)`` of the unrelated partner of every use, of one of the pairings."""
        return values[self._placed(values.device).unrelated[draw]]


@dataclass(frozen=True)
class Orientations:
    """The uses of the training, validation and held-out frames of a split."""

    split: Split
    training: Uses
    validation: Uses
    held_out: Uses

    @classmethod
    def draw(
        cls,
        split: Split,
        l_top: int,
        rng: np.random.Generator,
        *,
        times: tuple[int, int, int] = (20, 5, 5),
        rotate: bool = True,
        null_draws: int = 2,
    ) -> Orientations:
        """Draw Haar-random rotations.

        Parameters
        ----------
        split
            Frames of the three parts.
        l_top
            Highest degree of features and targets.
        times
            Uses of each training, validation and held-out frame.
        rotate
            False leaves every frame once as it is stored: the control in which the cliff vanishes.
        null_draws
            Number of unrelated pairings for the null band.
        """

        def uses(frames: NDArray[np.int64], count: int) -> Uses:
            index = np.repeat(frames, count if rotate else 1)
            turns = haar_rotations(len(index), rng) if rotate else np.tile(np.eye(3), (len(index), 1, 1))
            # In memory of torch, which is aligned: the order of a sum may depend on the alignment.
            matrices = tuple(np.asarray(torch.tensor(matrix)) for matrix in wigner_d_all(l_top, turns))
            each = len(index) // max(1, len(frames))
            pairings = []
            for _ in range(null_draws):
                # A random cyclic shift by whole frames: no frame is its own partner.
                shift = int(rng.integers(1, max(2, len(frames)))) * each
                pairings.append(np.roll(np.arange(len(index)), shift))
            return Uses(index, turns, matrices, tuple(pairings))

        return cls(
            split,
            uses(split.training, times[0]),
            uses(split.validation, times[1]),
            uses(split.held_out, times[2]),
        )


@dataclass(frozen=True)
class LabTargets:
    """What a free readout is to recover: values at every use, in the lab frame.

    Attributes
    ----------
    training, validation, held_out
        ``(uses, columns)``, in the order of the uses of the orientations: at each use, the component along the
        lab-fixed direction e = (0, 0, 1) of one injected field for each column, in units of the amplitude.
    columns
        The columns of each l in turn; the fields of one l share one ridge strength and one row of the table.
    null
        For each l, whether a null can be drawn: the field must change with the orientation.
    """

    training: torch.Tensor
    validation: torch.Tensor
    held_out: torch.Tensor
    columns: tuple[slice, ...]
    null: tuple[bool, ...]

    @classmethod
    def of_signal(
        cls,
        orientations: Orientations,
        signal: NDArray[np.float64] | torch.Tensor,
        device: str | torch.device = "cpu",
    ) -> LabTargets:
        """Return the fields (a . T) e with every polarisation a in turn, each of one pure l.

        Parameters
        ----------
        orientations
            The uses of the frames.
        signal
            T of one atom in every frame, ``(frames, (l_top + 1)^2)``.
        device
            Where it is turned.
        """
        degrees, lying = range(int(np.sqrt(signal.shape[1]))), placed(signal, device)
        # What has l = 0 is the same in every orientation, so there is no unrelated orientation to compare with.
        return cls(
            orientations.training.turn_signal(lying),
            orientations.validation.turn_signal(lying),
            orientations.held_out.turn_signal(lying),
            columns=tuple(l_slice(l) for l in degrees),
            null=tuple(l > 0 for l in degrees),
        )
