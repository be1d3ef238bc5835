"""Each use of a frame gets its own orientation; features and targets are turned exactly, not recomputed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations
from ...numerics.wigner import wigner_d
from ..frames.splits import Split
from .fields import l_slice


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

    def __len__(self) -> int:
        return len(self.frames)

    def turn(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn ``(frames, channels, 2 l + 1)`` into ``(uses, channels, 2 l + 1)`` in the lab frame."""
        matrix = self.matrices[(values.shape[2] - 1) // 2]
        return np.asarray(np.matmul(values[self.frames], matrix.transpose(0, 2, 1)))

    def turn_signal(self, signal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn ``(frames, (l_top + 1)^2)`` into the lab frame of every use."""
        out = np.empty((len(self), signal.shape[1]))
        for l in range(int(np.sqrt(signal.shape[1]))):
            out[:, l_slice(l)] = np.einsum("nij,nj->ni", self.matrices[l], signal[self.frames, l_slice(l)])
        return out

    def along(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn ``(frames, 3)`` and return the component along the lab-fixed direction e = (0, 0, 1)."""
        return np.asarray(np.einsum("nj,nj->n", self.rotations[:, 2], vectors[self.frames]))


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
            matrices = tuple(wigner_d(l, turns) for l in range(l_top + 1))
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

    training: NDArray[np.float64]
    validation: NDArray[np.float64]
    held_out: NDArray[np.float64]
    columns: tuple[slice, ...]
    null: tuple[bool, ...]

    @classmethod
    def of_signal(cls, orientations: Orientations, signal: NDArray[np.float64]) -> LabTargets:
        """Return the fields (a . T) e with every polarisation a in turn, each of one pure l.

        Parameters
        ----------
        orientations
            The uses of the frames.
        signal
            T of one atom in every frame, ``(frames, (l_top + 1)^2)``.
        """
        degrees = range(int(np.sqrt(signal.shape[1])))
        # What has l = 0 is the same in every orientation, so there is no unrelated orientation to compare with.
        return cls(
            orientations.training.turn_signal(signal),
            orientations.validation.turn_signal(signal),
            orientations.held_out.turn_signal(signal),
            columns=tuple(l_slice(l) for l in degrees),
            null=tuple(l > 0 for l in degrees),
        )
