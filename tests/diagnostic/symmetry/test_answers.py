"""Every way in which a calculator can answer wrongly is told in one sentence; what is right in an unusual form is taken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from pair_repulsion import Pairs

from spectral_ceilings.diagnostic.symmetry.breaking import check_repeatable, evaluate
from spectral_ceilings.diagnostic.symmetry.calculators import load_calculator
from spectral_ceilings.theory import InputError

ETHANOL = molecule("CH3CH2OH")


class Changed(Pairs):
    """Pair repulsion whose results, or whose structure, a function changes."""

    def __init__(self, results: Callable[[dict[str, Any]], dict[str, Any]] = dict, touch: Any = None) -> None:
        super().__init__()
        self.change, self.touch = results, touch

    def calculate(self, atoms: Atoms | None = None, *arguments: Any, **options: Any) -> None:
        super().calculate(atoms, *arguments, **options)
        self.results = self.change(self.results)
        if self.touch:
            self.touch(atoms)


RNG = np.random.default_rng(0)
WRONG: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "no energy": (lambda r: {**r, "energy": None}, "gave an energy that is None, expected eV"),
    "no forces": (lambda r: {**r, "forces": None}, "gave forces that are None"),
    "not finite": (lambda r: {**r, "energy": np.nan}, "gave an energy that is not finite"),
    "complex energy": (lambda r: {**r, "energy": np.complex128(1)}, "gave an energy that is complex, expected real numbers: eV"),
    "complex forces": (lambda r: {**r, "forces": r["forces"] + 0j}, "gave forces that are complex, expected real numbers"),
    "text": (lambda r: {**r, "energy": "-1.0"}, "gave an energy that is text"),
    "true": (lambda r: {**r, "energy": True}, "gave an energy that is true or false"),
    "ragged": (lambda r: {**r, "forces": [[1, 2, 3], [1, 2]]}, "gave forces that cannot be read as numbers"),
    "flat": (lambda r: {**r, "forces": r["forces"].ravel()}, "gave forces of shape (27,), expected (9, 3)"),
    "array": (lambda r: {**r, "energy": np.array([r["energy"]])}, "gave an energy of shape (1,), expected a plain number"),
    "nothing": (lambda r: {}, "gives no energy or no forces"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_told(name: str) -> None:
    change, words = WRONG[name]
    with pytest.raises(InputError) as told:
        evaluate(Changed(change), ETHANOL)
    assert words in str(told.value)
    assert str(told.value).startswith("Changed ")


def shift(atoms: Atoms) -> None:
    atoms.positions += 0.1


def rename(atoms: Atoms) -> None:
    atoms.numbers[:] = 6


def box(atoms: Atoms) -> None:
    atoms.set_cell([5, 5, 5])


@pytest.mark.parametrize(
    ("touch", "how"),
    [(shift, "moves atoms by up to 0."), (rename, "changes elements"), (box, "changes the cell")],
)
def test_a_calculator_that_changes_what_it_is_given_is_told(touch: Any, how: str) -> None:
    with pytest.raises(InputError, match=f"changes the structure that it is given .{how}"):
        evaluate(Changed(touch=touch), ETHANOL)


def test_answers_that_change_from_call_to_call_are_told() -> None:
    calculator = Changed(lambda r: {**r, "energy": r["energy"] + RNG.normal()})
    with pytest.raises(InputError, match="gave two answers for one structure"):
        check_repeatable(calculator, ETHANOL)


def test_usual_forms_of_numbers_are_taken() -> None:
    torch = pytest.importorskip("torch")
    right = evaluate(Pairs(), ETHANOL)
    for change in (
        lambda r: {"energy": np.array(r["energy"]), "forces": r["forces"].tolist()},
        lambda r: {"energy": torch.tensor(r["energy"], dtype=torch.float64, requires_grad=True),
                   "forces": torch.tensor(r["forces"], requires_grad=True)},
    ):  # fmt: skip
        energy, forces = evaluate(Changed(change), ETHANOL)
        assert type(energy) is float
        assert energy == right[0]
        np.testing.assert_array_equal(forces, right[1])


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("kind", "returned the class EMT, expected a calculator: return EMT()"),
        ("needs", "needs in mine.py takes cutoff, expected a function that takes nothing"),
        ("nothing", "returned NoneType, expected an ASE calculator or a backbone"),
        ("absent", "has no function 'absent'"),
    ],
)
def test_what_makes_no_calculator_is_told(tmp_path: Path, function: str, words: str) -> None:
    (tmp_path / "mine.py").write_text(
        "from ase.calculators.emt import EMT\ndef kind(): return EMT\ndef needs(cutoff): return EMT()\n"
        "def nothing(width=3): return None\n"
    )
    with pytest.raises(InputError) as told:
        load_calculator(f"{tmp_path / 'mine.py'}:{function}", trust=True)
    assert words in str(told.value)
