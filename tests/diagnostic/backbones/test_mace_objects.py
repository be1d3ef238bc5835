"""MACE as people hold it: what mace_mp and mace_off return, heads, reduced couplings, layouts of cuequivariance."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ase.build import molecule

from spectral_ceilings.diagnostic.backbones.equivariance import equivariance_error
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.backbones.mace_loading import from_mace
from spectral_ceilings.diagnostic.backbones.mace_model import build_mace, mace_session
from spectral_ceilings.diagnostic.backbones.mace_settings import MACESettings
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.symmetry.breaking import evaluate
from spectral_ceilings.diagnostic.symmetry.calculators import load_calculator
from spectral_ceilings.theory import InputError

if find_spec("mace") is None and "SPECTRAL_CEILINGS_REQUIRE_MACE" not in os.environ:
    pytest.skip(
        "the extra 'mace' is not installed (it needs an environment of its own)", allow_module_level=True
    )

ETHANOL = molecule("CH3CH2OH")
SETTINGS = MACESettings(("H", "C", "O"), num_features=4, max_ell=2, correlation=(3,), radial_mlp=(8,), seed=5)
HEADS = replace(
    SETTINGS, heads=("dft", "cc"), atomic_energies=((-13.0, -1000.0, -2000.0), (-14.0, -1001.0, -2001.0)),
    scales=(1.5, 2.0), shifts=(0.0, 0.25),
)  # fmt: skip


def frames() -> Frames:
    positions = ETHANOL.positions[None] + 0.05 * np.random.default_rng(0).normal(size=(2, 9, 3))
    return Frames(np.array(ETHANOL.numbers), positions, 0 * positions, None, "ethanol", "0" * 64, "eV")


def theirs(calculator: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return energies and forces of the frames by mace's own calculator."""
    found = []
    with mace_session():
        for positions in frames().positions:
            atoms = ETHANOL.copy()
            atoms.positions = positions
            found.append(evaluate(calculator, atoms))
    return np.array([energy for energy, _ in found]), np.array([forces for _, forces in found])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript, which mace is built on
        torch.save(build_mace(SETTINGS), tmp_path / "single.model")
        torch.save(build_mace(HEADS), tmp_path / "heads.model")
    (tmp_path / "mine.py").write_text(
        "from pathlib import Path\n"
        "from mace.calculators import MACECalculator, mace_mp, mace_off\n\n"
        "HERE = Path(__file__).parent\n"
        "QUIET = {'device': 'cpu', 'default_dtype': 'float64'}\n\n"
        "def mp():\n    return mace_mp(model=str(HERE / 'single.model'), **QUIET)\n\n"
        "def off():\n    return mace_off(model=str(HERE / 'single.model'), **QUIET)\n\n"
        "def cc():\n    return MACECalculator(model_paths=str(HERE / 'heads.model'), head='cc', **QUIET)\n\n"
        "def no_head():\n    return mp().models[0]\n"
    )
    return tmp_path


@pytest.mark.parametrize("function", ["mp", "off", "cc", "no_head"])
@pytest.mark.filterwarnings("ignore")  # mace's own, of what it downloads and of TorchScript
def test_what_mace_returns_is_a_backbone_and_a_calculator_in_one_line(folder: Path, function: str) -> None:
    source = f"{folder / 'mine.py'}:{function}"
    backbone = load_backbone(source, trust=True)
    assert [layer.irreps for layer in backbone.layers()][-2] == "4x0e+4x1o+4x2e"
    named = load_calculator(source, trust=True)
    assert named.has_features
    energies, forces = backbone.energies_and_forces(frames())
    expected_energies, expected_forces = theirs(named.calculator)
    # Two codes of one model in float64, energies of 1e4 eV with heads: a hundred roundings.
    np.testing.assert_allclose(energies, expected_energies, rtol=1e-13, atol=1e-10)
    np.testing.assert_allclose(forces, expected_forces, rtol=0, atol=1e-10)


@pytest.mark.parametrize("reduced", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_reduced_couplings_are_rebuilt_exactly(reduced: bool, dtype: str) -> None:
    """Without cuequivariance mace ignores the argument; with it the products have another basis."""
    backbone = from_mace(build_mace(replace(SETTINGS, use_reduced_cg=reduced), dtype))  # type: ignore[arg-type]
    assert equivariance_error(backbone, frames(), "layer0", np.random.default_rng(1)) < 1e-13


@pytest.mark.skipif(
    find_spec("cuequivariance_torch") is None,
    reason="cuequivariance-torch is not installed; it is no part of the extra",
)
@pytest.mark.parametrize("layout", ["ir_mul", "mul_ir"])
@pytest.mark.parametrize("reduced", [False, True])
def test_a_model_laid_out_for_cuequivariance_is_the_one_it_was_made_from(reduced: bool, layout: str) -> None:
    from mace.cli.convert_e3nn_cueq import run

    plain = build_mace(replace(SETTINGS, use_reduced_cg=reduced))
    with mace_session(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = run(plain, device="cpu", layout=layout)
    weights = {name: value.clone() for name, value in converted.state_dict().items()}
    backbone, expected = from_mace(converted), from_mace(plain)
    for values, same in zip(
        backbone.energies_and_forces(frames()), expected.energies_and_forces(frames()), strict=True
    ):
        np.testing.assert_allclose(
            values, same, rtol=0, atol=1e-11
        )  # weights go through a change of basis and back
    assert equivariance_error(backbone, frames(), "layer0", np.random.default_rng(1)) < 1e-13
    assert all(torch.equal(value, weights[name]) for name, value in converted.state_dict().items())


@pytest.mark.filterwarnings("ignore")
def test_a_sum_with_dispersion_names_its_part(folder: Path) -> None:
    with (folder / "mine.py").open("a") as stream:
        stream.write(
            "\ndef both():\n"
            "    from ase.calculators.lj import LennardJones\n"
            "    from ase.calculators.mixing import SumCalculator\n\n"
            "    return SumCalculator([mp(), LennardJones()])\n"
        )
    with pytest.raises(InputError, match=r"give its part \.mixer\.calcs\[0\]"):
        load_backbone(f"{folder / 'mine.py'}:both", trust=True)
