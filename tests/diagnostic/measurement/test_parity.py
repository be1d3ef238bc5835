"""Parity is measured: blocks of the right l are used whatever parity was declared, and the inversion decides no ceiling."""

import numpy as np
import pytest
from numpy.typing import NDArray

from spectral_ceilings.diagnostic import DiagnoseSettings, Frames, diagnose, from_callable, read_frames
from spectral_ceilings.numerics import real_harmonics
from spectral_ceilings.theory import InputError

SETTINGS = DiagnoseSettings(
    degrees=(2,),
    l_top=3,
    injections=("marked",),
    atoms=(2,),
    frames=120,
    rotations=6,
    bootstrap=100,
    controls=False,
)


def densities(frames: Frames, *, axial: bool = False) -> NDArray[np.float64]:
    """Return 3x(l=0) and 3x(l=1) neighbour densities; ``axial`` adds to each vector the cross product of the other two."""
    apart = frames.positions[:, None] - frames.positions[:, :, None]
    distance = np.linalg.norm(apart, axis=-1)
    near = distance > 1e-6
    direction = np.where(near[..., None], apart / np.where(near, distance, 1.0)[..., None], [0.0, 1.0, 0.0])
    harmonics = real_harmonics(1, direction.reshape(-1, 3)).reshape(*distance.shape, 4)
    weights = np.stack(
        [
            np.exp(-distance / (0.6 + 0.4 * k)) * near * frames.numbers[None, None] ** (k % 2)
            for k in range(3)
        ],
        -1,
    )
    scalars = np.einsum("nijc,nij->nic", weights, harmonics[..., 0])
    vectors = np.einsum("nijc,nijm->nicm", weights, harmonics[..., 1:])
    if axial:
        vectors = vectors + np.cross(np.roll(vectors, 1, axis=2), np.roll(vectors, 2, axis=2))
    return np.concatenate([scalars, vectors.reshape(*vectors.shape[:2], -1)], axis=-1)


@pytest.fixture(scope="module")
def frames() -> Frames:
    return read_frames("aspirin-xtb")


def test_vectors_declared_without_parity_give_the_same_as_declared_right(frames: Frames) -> None:
    right = diagnose(frames, from_callable(densities, "3x0e+3x1o"), SETTINGS)
    so3 = diagnose(frames, from_callable(densities, "3x0e+3x1e"), SETTINGS)
    assert so3["recovery"] == right["recovery"]
    assert right["checks"]["parity"] == "declared"
    assert so3["checks"]["parity"] == "other"
    assert "3x0e+3x1o" in so3["checks"]["parity_sentence"]
    assert so3["model"]["irreps"] == "3x0e+3x1o"


def test_features_of_rotations_alone_are_held_against_the_same_ceiling(frames: Frames) -> None:
    """Polar plus axial vectors turn as l = 1 and have no parity: the ceiling of degree 2 is 2, recovered and not passed."""
    result = diagnose(frames, from_callable(lambda f: densities(f, axial=True), "3x0e+3x1e"), SETTINGS)
    assert result["checks"]["parity"] == "none"
    assert "SO(3)" in result["checks"]["parity_sentence"]
    assert result["checks"]["inversion_error"] > 1e-3  # an axial part of that size at least
    rows = {row["l"]: row["verdict"] for row in result.rows(scope="molecule", readout="free")}
    assert rows[3] == "not recovered"
    assert rows[1] == rows[2] == "recovered"


def test_vectors_alone_declared_without_parity_are_read_as_vectors(frames: Frames) -> None:
    """3x1e of an SO(3) model has no irrep of natural parity as declared, and all of them as measured."""

    def vectors(given: Frames) -> NDArray[np.float64]:
        return densities(given)[..., 3:]

    right = diagnose(frames, from_callable(vectors, "3x1o"), SETTINGS)
    so3 = diagnose(frames, from_callable(vectors, "3x1e"), SETTINGS)
    assert so3["recovery"] == right["recovery"]
    assert {row["l"]: row["verdict"] for row in right.rows(scope="molecule")}[2] == "recovered"


def test_axial_vectors_alone_are_refused_in_a_sentence(frames: Frames) -> None:
    """True axial vectors: a field has the parity of Y_l, and a readout takes irreps of that parity alone."""

    def axial(given: Frames) -> NDArray[np.float64]:
        vectors = densities(given)[..., 3:].reshape(*given.positions.shape[:2], 3, 3)
        crossed = np.cross(vectors, np.roll(vectors, 1, axis=2))
        return crossed.reshape(*crossed.shape[:2], -1)

    for declared in ("3x1e", "3x1o"):
        with pytest.raises(InputError, match=r"\(3x1e\) hold no irrep of the parity"):
            diagnose(frames, from_callable(axial, declared), SETTINGS)
