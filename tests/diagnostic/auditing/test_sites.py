"""Sites of known symmetry: what the group leaves to features and to polynomials of them, against projectors in numbers."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule
from neighbour_harmonics import NeighbourHarmonics
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic.auditing.audit import audit
from spectral_ceilings.diagnostic.auditing.random_readouts import random_readout
from spectral_ceilings.diagnostic.auditing.result import AuditSettings
from spectral_ceilings.diagnostic.auditing.sites import allowed_degrees, layer_site, top_degree
from spectral_ceilings.diagnostic.backbones.equivariance import measure_equivariance
from spectral_ceilings.diagnostic.backbones.features import Features
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.site_symmetry import site_symmetry
from spectral_ceilings.numerics.rotations import so3_quadrature
from spectral_ceilings.numerics.spectrum import RotationSpectrum
from spectral_ceilings.numerics.wigner import wigner_d
from spectral_ceilings.theory.point_groups import point_group

SETTINGS = AuditSettings(parts=("readouts",), activations=(), untrained=False)
TURN = Rotation.from_euler("zyz", [0.3, 1.1, -0.7]).as_matrix()
AXES = 1.561 * np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
MOLECULES = {
    "CH4": molecule("CH4"), "SF6": Atoms("SF6", AXES), "C6H6": molecule("C6H6"), "C2H4": molecule("C2H4"),
    "N2": molecule("N2"), "CO2": molecule("CO2"), "H2O": molecule("H2O"),
}  # fmt: skip


def frames_of(atoms: Atoms, digits: int | None = None) -> Frames:
    x = atoms.positions @ TURN.T
    x = x if digits is None else x.round(digits)
    return Frames(atoms.numbers, x[None], np.zeros((1, len(x), 3)), None, "molecule", "0" * 64, "eV")


@pytest.mark.parametrize(
    "irreps", ["2x0e+2x1o+2x2e", "2x0e+2x1e+2x2o"], ids=["declared", "other parity declared"]
)
@pytest.mark.parametrize("digits", [None, 8, 4])
@pytest.mark.parametrize("name", MOLECULES)
def test_a_symmetric_molecule_is_no_failure(name: str, digits: int | None, irreps: str) -> None:
    result = audit(frames_of(MOLECULES[name], digits), NeighbourHarmonics(irreps), SETTINGS)
    assert result["verdict"]["outcome"] == "held", result["verdict"]["sentence"]
    if digits == 4:
        return  # rounded to 1e-4 Å a site may be symmetric within the tolerance or not: both are right
    left = {row["element"]: row["site_l"] for row in result["readouts"]}
    # Td and Oh have no invariants of l = 1, 2; every other site keeps an axis or less, with one of l = 2.
    assert left == {element: 0 if (name, element) in (("CH4", "C"), ("SF6", "S")) else 2 for element in left}


def test_a_molecule_that_is_nearly_symmetric_is_held_or_open_in_float32() -> None:
    # Off by 1e-3 Å, beyond the tolerance of sites: features of l = 1, 2 of 1e-3 of their size, cubed and squared 1e-18.
    atoms = MOLECULES["CH4"].copy()
    atoms.positions += 1e-3 * np.random.default_rng(0).normal(size=atoms.positions.shape)
    double = audit(frames_of(atoms), NeighbourHarmonics(), SETTINGS)["verdict"]
    single = audit(frames_of(atoms), NeighbourHarmonics(dtype=np.float32), SETTINGS)["verdict"]
    assert (double["outcome"], double["held"]) == ("held", True)
    assert (single["outcome"], single["held"]) == ("undecided", None)
    assert "not told from rounding" in single["sentence"]


def test_an_atom_alone_has_scalars_only() -> None:
    atom = Frames(np.array([8]), np.ones((1, 1, 3)), np.zeros((1, 1, 3)), None, "atom", "0" * 64, "eV")
    model = NeighbourHarmonics(change=lambda values, _frames: values + np.eye(18)[0])
    verdict = audit(atom, model, SETTINGS)["verdict"]
    assert verdict["outcome"] == "held"
    assert "O0 (Kh) leaves nothing but scalars" in verdict["sentence"]


def test_what_a_layer_cannot_see_does_not_break_its_site() -> None:
    # A methane whose fourth neighbour sphere holds one more atom, 9 Å away: beyond the cutoff of the model.
    class Short(NeighbourHarmonics):
        cutoff = 4.0

        def features(self, frames: Frames, layer: str) -> Features:
            near = frames.select(slice(None))
            near = Frames(
                near.numbers[:5], near.positions[:, :5], near.forces[:, :5], None, "x", "0" * 64, "eV"
            )
            inside = super().features(near, layer).values
            return Features(np.concatenate([inside, inside[:, :1]], axis=1), self.irreps, layer)

    methane = MOLECULES["CH4"]
    far = Atoms("CH4He", [*methane.positions, methane.positions[0] + [0, 0.1, 9.0]])
    frame = frames_of(far)
    assert layer_site(Short(), frame, "layer0", 0).symbol == "Td"
    assert layer_site(NeighbourHarmonics(), frame, "layer0", 0).symbol != "Td"


@pytest.mark.parametrize("parity", ["natural", "unnatural", "none"])
@pytest.mark.parametrize(
    ("symbol", "neighbours"),
    [("Td", MOLECULES["CH4"].positions[1:]), ("Oh", AXES[1:]),
     ("C4v", np.concatenate([AXES[1:5], [[0, 0, 2.0]]]))],
)  # fmt: skip
def test_what_the_group_leaves_is_what_projectors_leave(
    symbol: str, neighbours: np.ndarray, parity: str
) -> None:
    site = site_symmetry(neighbours, ["H"] * len(neighbours))
    assert site.symbol == symbol
    rng = np.random.default_rng(1)
    top, degree = 4, 2
    blocks, irreps = [], []
    for l in range(top + 1):
        p = (-1) ** l if parity != "unnatural" else (-1) ** (l + 1 if l else l)
        determinants = np.round(np.linalg.det(site.operations))
        used = site.operations if parity != "none" else site.operations[determinants > 0]
        signs = np.where(np.linalg.det(used) < 0, p, 1.0)
        turns = used * np.round(np.linalg.det(used))[:, None, None]
        projector = np.einsum("n,nij->ij", signs, wigner_d(l, turns)) / len(used)
        blocks.append(rng.normal(size=(2, 2 * l + 1)) @ projector.T)
        irreps.append(f"2x{l}{'e' if p > 0 else 'o'}")
    h = np.concatenate([block.ravel() for block in blocks])
    kept = {l for l, block in enumerate(blocks) if np.abs(block).max() > 1e-6}
    group = site.group if parity != "none" else site.group.proper
    counted = {
        l for l in range(top + 1) for p in [1 if irreps[l].endswith("e") else -1]
        if group.invariants(l, p if parity != "none" else None)
    }  # fmt: skip
    assert kept == counted
    features = Features(np.repeat(h[None, None], 1, axis=0), "+".join(irreps), "layer")
    quadrature = so3_quadrature(2 * degree * top + 2)
    spectrum = RotationSpectrum(quadrature, degree * top + 1)
    turned = Features(np.repeat(features.values, len(quadrature), axis=0), features.irreps, "layer")
    readout = random_readout("polynomial", degree, np.ones(len(h)), rng)
    spectrum.add(readout(torch.from_numpy(turned.rotated(quadrature.rotations).values[:, 0])))
    power = spectrum.power().sum(axis=1)
    power = power / power.sum()
    reach = degree * max(kept)
    # Random coefficients: a millionth of the power or more at the top; above, sums of some thousand roundings of float64.
    assert power[reach] > 1e-8
    assert power[reach + 1 :].max() < 1e-26
    for l in range(1, reach):
        if not any(group.invariants(l, p) for p in (1, -1)):
            assert power[l] < 1e-26, l


def test_the_measured_parity_counts_and_not_the_declared_one() -> None:
    frame = frames_of(MOLECULES["CO2"])
    c2v = point_group("C2v")
    for irreps in ("2x0e+2x1o+2x2e", "2x0e+2x1e+2x2o"):
        measured = measure_equivariance(
            NeighbourHarmonics(irreps), frame, ["layer0"], np.random.default_rng(0)
        )["layer0"]
        # At the oxygen l = 1 is a true vector along the axis, whatever is declared; C2v keeps one too.
        assert allowed_degrees(measured, c2v) == (0, 1, 2)
        # The carbon has inversion: no vector, one l = 2.
        assert allowed_degrees(measured, point_group("D∞h")) == (0, 2)
        assert top_degree(measured, point_group("Td")) == 0

    def mixed(values: np.ndarray, frames: Frames) -> np.ndarray:
        chiral = np.linalg.det(frames.positions[:, 1:4] - frames.positions[:, :1])
        return values * (1 + chiral[:, None, None])

    chiral = molecule("CH3CH2OH")
    chiral.rattle(0.1, seed=1)
    neither = measure_equivariance(
        NeighbourHarmonics(change=mixed), frames_of(chiral), ["layer0"], np.random.default_rng(0)
    )["layer0"]
    assert neither.parity == "none"
    # Inversion is no symmetry of the features: C2h has no vector, its rotations alone (C2) have one.
    assert point_group("C2h").invariants(1) == 0
    assert allowed_degrees(neither, point_group("C2h")) == (0, 1, 2)
