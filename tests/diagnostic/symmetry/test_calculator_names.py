"""Every way in which a calculator can be given in one line, and one sentence for every way that is wrong."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from hypothesis import given
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.backbones.sources import function_label, is_function, is_module
from spectral_ceilings.diagnostic.symmetry.breaking import evaluate
from spectral_ceilings.diagnostic.symmetry.calculators import load_calculator
from spectral_ceilings.theory.errors import InputError

WATER = molecule("H2O")
MODULE = """
from ase.calculators.emt import EMT
from spectral_ceilings.diagnostic import from_callable

number = 7
calculator = EMT()


def make():
    return EMT()


def features():
    return from_callable(lambda frames: frames.positions, "1x1o")


def asks(weights, device="cpu"):
    return EMT()


def wrong():
    return 7


def kind():
    return EMT


def raises():
    raise RuntimeError("weights missing")


class Holder:
    class Inner(EMT):
        pass
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that is importable, as an installed one is."""
    package = tmp_path / "made_models"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "here.py").write_text(MODULE)
    (package / "broken.py").write_text("raise ValueError('no licence')\n")
    (package / "incomplete.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("made_models")]:
        monkeypatch.delitem(sys.modules, name)
    return "made_models.here"


def test_a_callable_of_a_module_needs_no_trust(module: str) -> None:
    named = load_calculator(f"{module}:make")
    assert (named.kind, named.source, named.sha256) == ("EMT", f"{module}:make", None)
    assert load_calculator(f"{module}:Holder.Inner").kind == "Inner"
    assert load_calculator("ase.calculators.emt:EMT").kind == "EMT"
    assert [layer.irreps for layer in load_backbone(f"{module}:features").layers()] == ["1x1o"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "module made_models.here has no 'nothing'; expected module:callable"),
        ("number", "number in module made_models.here is int and cannot be called"),
        ("calculator", "calculator in module made_models.here is EMT and cannot be called"),
        ("asks", "asks in module made_models.here takes weights, expected a function that takes nothing"),
        ("wrong", "made_models.here:wrong returned int, expected an ASE calculator or a backbone"),
        ("kind", r"returned the class EMT, expected a calculator: return EMT\(\)"),
    ],
)
def test_a_callable_that_does_not_fit_is_told(module: str, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_calculator(f"{module}:{name}")


def test_a_module_that_cannot_be_imported_is_told(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        InputError, match=r"no module 'nowhere' is installed here, for nowhere.models:make; install it"
    ):
        load_calculator("nowhere.models:make")
    with pytest.raises(InputError, match=r"no module 'made_models.absent' is installed here"):
        load_calculator("made_models.absent:make")
    # What the user's own code raises goes through, with its traceback.
    with pytest.raises(ValueError, match="no licence"):
        load_calculator("made_models.broken:make")
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        load_calculator("made_models.incomplete:make")
    with pytest.raises(RuntimeError, match="weights missing"):
        load_calculator(f"{module}:raises")
    (tmp_path / "beside.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    with pytest.raises(InputError, match=r"for the file give beside.py:make and --trust"):
        load_calculator("beside:make")


def test_a_calculator_has_no_features(module: str, tmp_path: Path) -> None:
    said = "it has no features; 'ceilings audit {} --parts symmetry' measures how symmetric it is"
    (tmp_path / "mine.py").write_text(MODULE)
    for source, label in (
        ("ase:emt", "ase:emt"),
        ("tblite:GFN2-xTB", "tblite:GFN2-xTB"),
        (f"{module}:make", f"{module}:make"),
        (f"{tmp_path / 'mine.py'}:make", "mine.py:make"),
        ("folder/x.nequip.pt2", "x.nequip.pt2"),
    ):
        with pytest.raises(InputError, match=said.format(label)):
            load_backbone(source, trust=True)
    with pytest.raises(InputError, match=r"give the .ckpt or the .nequip.zip it was compiled from"):
        load_backbone("folder/x.nequip.pt2", trust=True)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("emt", "EMT"), ("EMT", "EMT"), ("lj", "LennardJones"), ("LennardJones", "LennardJones"), ("morse", "MorsePotential"),
        ("lj.LennardJones", "LennardJones"), ("tip3p", "TIP3P"), ("idealgas", "IdealGas"),
        ("harmonic.SpringCalculator", None),
    ],
)  # fmt: skip
def test_calculators_of_ase_by_name(name: str, kind: str | None) -> None:
    if kind is None:
        with pytest.raises(InputError, match=f"'ase:{name}' takes ideal_positions, k"):
            load_calculator(f"ase:{name}")
    else:
        assert load_calculator(f"ase:{name}").kind == kind


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("ase:foo", "not a known calculator, expected ase:emt"),
        ("ase:emt.Foo", "the module has ase:emt.EMT"),
        ("ase:tersoff", "'ase:tersoff' takes parameters; make it in a function of your own"),
        ("ase:ff", "cannot be made without arguments"),
        ("ase:mixing", "the module has ase:mixing"),
        ("xtb:GFN1-xTB", "not installed"),
        ("x.nequip.pt2", "no compiled nequip model at x.nequip.pt2"),
        ("nowhere.pt", "no fairchem checkpoint at nowhere.pt"),
    ],
)
def test_what_is_no_calculator_is_told(source: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_calculator(source, trust=True)


@pytest.mark.skipif(find_spec("nequip") is None, reason="the extra 'nequip' is not installed")
@pytest.mark.filterwarnings("ignore")  # of TorchScript and of what nequip imports
def test_a_compiled_model_holds_machine_code_and_may_be_damaged(tmp_path: Path) -> None:
    file = tmp_path / "mine.nequip.pt2"
    file.write_bytes(b"PK no archive")
    with pytest.raises(
        InputError,
        match=r"mine\.nequip\.pt2 is a compiled nequip model, which holds code that is run; add --trust",
    ):
        load_calculator(str(file))
    with pytest.raises(InputError, match=r"mine\.nequip\.pt2 cannot be loaded as a compiled model of nequip"):
        load_calculator(str(file), trust=True)


def test_a_calculator_that_asks_for_a_program_is_told_when_it_is_run() -> None:
    calculator = load_calculator("ase:eam").calculator
    # Whatever ASE says of a calculator that was not set up, it is no internal error of ours.
    with pytest.raises(Exception) as raised:  # noqa: PT011 - a kind of its own for each calculator
        evaluate(calculator, WATER)
    assert str(raised.value)
    with pytest.raises(InputError, match="cannot evaluate the structure"):
        evaluate(load_calculator("ase:vasp").calculator, WATER)


@given(st.text(alphabet="abz_9.:-/ \\", max_size=24))
def test_any_text_is_a_module_or_is_not(text: str) -> None:
    """It is where both sides of its only colon are dotted names, as Python reads them."""
    left, colon, right = text.partition(":")
    names = [*left.split("."), *right.split(".")]
    dotted = bool(colon) and all(name.isidentifier() for name in names)
    assert is_module(text) == dotted


def test_sources_that_only_look_like_modules() -> None:
    for text in (
        "ase:emt",
        "sevenn:name",
        "checkpoint.pth:PBE",
        "mine.py:make",
        "sevenn:7net-0",
    ):
        assert not is_module(text), text
    assert is_function("mine.py:make")
    assert function_label("folder/mine.py:make") == "mine.py:make"
    assert function_label("mine.models:make") == "mine.models:make"


sevenn = pytest.mark.skipif(find_spec("sevenn") is None, reason="the extra 'sevennet' is not installed")


@sevenn
def test_sevennet_by_name_is_its_own_calculator() -> None:
    silicon = bulk("Si", cubic=True)
    silicon.rattle(0.05, seed=1)
    named = load_calculator("sevenn:7net-0")
    assert named.has_features
    from sevenn.calculator import SevenNetCalculator  # imported above, with its warnings

    with pytest.warns(UserWarning, match="No tensor product accelerator"):
        theirs = SevenNetCalculator("7net-0", device="cpu")
    energy, forces = evaluate(named.calculator, silicon)
    expected_energy, expected_forces = evaluate(theirs, silicon)
    # float32 on one machine: the same sums in the same order, or another order of a hundred terms.
    assert energy == pytest.approx(expected_energy, rel=1e-5)
    np.testing.assert_allclose(forces, expected_forces, rtol=0, atol=1e-4)


@sevenn
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("7net-mf-0", r"modal argument missing \(avail: \['R2SCAN', 'PBE'\]\)"),
        ("7net-mf-0:no", "unknown modal no"),
        ("7net-0:PBE", "7net-0 has no modals; give sevenn:7net-0"),
        ("nothing", "nothing does not exist"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_wrong_names_of_sevennet_are_told(name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_calculator(f"sevenn:{name}")


def test_a_backbone_of_periodic_structures_is_refused_where_it_ignores_the_cell(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\nfrom spectral_ceilings.diagnostic import from_callable\n\n"
        "def energies(frames):\n"
        "    d = np.linalg.norm(frames.positions[:, None] - frames.positions[:, :, None], axis=-1)\n"
        "    return np.exp(-d).sum(axis=(1, 2))\n\n"
        "def forces(frames):\n"
        "    v = frames.positions[:, None] - frames.positions[:, :, None]\n"
        "    d = np.linalg.norm(v, axis=-1, keepdims=True)\n"
        "    return -2 * (np.exp(-d) * v / np.where(d > 0, d, 1)).sum(axis=2)\n\n"
        "def make():\n"
        "    return from_callable(lambda f: f.positions - f.positions.mean(axis=1, keepdims=True), '1x1o', forces=forces,"
        " energies=energies)\n"
    )
    calculator: Any = load_calculator(f"{tmp_path / 'mine.py'}:make", trust=True).calculator
    energy, forces = evaluate(calculator, WATER)
    assert np.isfinite(energy)
    assert forces.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)
    with pytest.raises(
        InputError, match="ignores its cell: an atom moved by a cell vector feels forces that differ"
    ):
        evaluate(calculator, bulk("Cu", cubic=True))


def test_a_periodic_structure_reaches_a_backbone_with_its_cell(tmp_path: Path) -> None:
    """A backbone made of ASE's EMT gives what EMT gives, turned with its cell or not."""
    (tmp_path / "emt.py").write_text(
        "import numpy as np\nfrom ase.calculators.emt import EMT\nfrom spectral_ceilings.diagnostic import from_callable\n\n"
        "def run(frames, what):\n"
        "    out = []\n"
        "    for atoms in frames.to_ase():\n"
        "        atoms.calc = EMT()\n"
        "        out.append(getattr(atoms, what)())\n"
        "    return np.array(out)\n\n"
        "def make():\n"
        "    return from_callable(lambda f: f.positions, '1x1o', forces=lambda f: run(f, 'get_forces'),"
        " energies=lambda f: run(f, 'get_potential_energy'))\n"
    )
    calculator = load_calculator(f"{tmp_path / 'emt.py'}:make", trust=True).calculator
    copper: Atoms = bulk("Cu", cubic=True)
    copper.rattle(0.1, seed=2)
    energy, forces = evaluate(calculator, copper)
    expected_energy, expected_forces = evaluate(EMT(), copper)
    assert energy == expected_energy
    np.testing.assert_array_equal(forces, expected_forces)
