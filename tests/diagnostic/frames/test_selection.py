"""Selections: the same atoms as the condition written out in Python; whatever is no condition is one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.data import atomic_numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.frames.selection import NAMES, Selection
from spectral_ceilings.theory.errors import InputError

ETHANOL = np.array([6, 6, 8, 1, 1, 1, 1, 1, 1])
COPPER = np.array([29, 29, 29, 29])

numbers = st.sampled_from(["structure", "atom", "n_atoms", "energy", "temperature"])
texts = st.sampled_from(["element", "formula", "config_type"])


@st.composite
def conditions(draw: st.DrawFn, depth: int = 3) -> str:
    """A condition whose Python meaning is the same, as long as every name is known."""
    if depth == 0 or draw(st.booleans()):
        which = draw(st.integers(0, 3))
        if which == 0:
            op = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
            return f"{draw(numbers)} {op} {draw(st.integers(-3, 12))}"
        if which == 1:
            name = draw(texts)
            word = draw(
                st.sampled_from(["C", "O", "H", "Cu"])
                if name == "element"
                else st.sampled_from(["C2H6O", "Cu4", "bulk"])
            )
            return f"{name} {draw(st.sampled_from(['==', '!=']))} {word!r}"
        if which == 2:
            word = draw(st.lists(st.sampled_from(["C", "O", "H", "Cu"]), max_size=3))
            return f"element {draw(st.sampled_from(['in', 'not in']))} {word!r}"
        return f"{draw(st.integers(-1, 3))} <= {draw(numbers)} < {draw(st.integers(0, 9))}"
    op = draw(st.sampled_from(["and", "or", "not"]))
    first = draw(conditions(depth=depth - 1))
    return f"not ({first})" if op == "not" else f"({first}) {op} ({draw(conditions(depth=depth - 1))})"


@settings(deadline=None, max_examples=300)
@given(conditions(), st.integers(0, 5), st.sampled_from(["bulk", "Cu4"]), st.integers(-2, 12))
def test_a_selection_means_what_python_would_mean(text: str, index: int, word: str, value: int) -> None:
    selection = Selection.parse(text)
    info = {"energy": value / 2, "temperature": value, "config_type": word}
    for z in (ETHANOL, COPPER):
        formula = str(Atoms(numbers=z).get_chemical_formula(mode="hill"))
        expected = [
            eval(text, {"structure": index, "atom": k, "element": symbol, "formula": formula, "n_atoms": len(z), **info})
            for k, symbol in enumerate(Atoms(numbers=z).get_chemical_symbols())
        ]  # fmt: skip
        assert selection.atoms(index, z, info).tolist() == expected
    every = selection.structures([ETHANOL, COPPER], [info, info], indices=[index, index + 1])
    assert every.tolist() == [
        selection.atoms(index + k, z, info).any() for k, z in enumerate((ETHANOL, COPPER))
    ]


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=40) | st.from_regex(r"[a-z_.()\[\]{}'=<>0-9+*:, -]{0,40}", fullmatch=True))
def test_any_text_is_a_selection_or_one_sentence(text: str) -> None:
    said = ""
    try:
        selection = Selection.parse(text)
        selection.atoms(0, ETHANOL, {})
        selection.structures([ETHANOL])
    except InputError as error:
        said = str(error)
    assert "\n" not in said.replace(repr(text), "")
    assert not said or said.endswith(".")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("__import__('os').system('true')", "is no condition"),
        ("(lambda: True)()", "is no condition"),
        ("element.lower() == 'o'", "is neither a name, a number nor a text"),
        ("structure + 1 < 3", "is neither a name, a number nor a text"),
        ("structure", "structure is a number: expected a comparison"),
        ("element == 8", "element is a text and 8 a number"),
        ("element == 'Xx'", "'Xx' is no element"),
        ("element in ['C', 'Q']", "'Q' is no element"),
        ("element > 'C'", "have no order"),
        ("element in 'CO'", "a list stands after in"),
        ("element is 'C'", "write == or !="),
        ("structure <", "cannot be read"),
        ("", "cannot be read"),
        ("1" * 5000, "5000 characters"),
        (f"structure < 1{'0' * 400}", "too large"),
        ("(" * 900 + "periodic" + ")" * 900, "cannot be read"),
    ],
)
def test_what_is_no_condition_is_named(text: str, words: str) -> None:
    with pytest.raises(InputError) as told:
        Selection.parse(text)
    assert words in str(told.value)


def test_names_that_nothing_has_are_named_with_those_that_are_known() -> None:
    with pytest.raises(InputError, match=r"the name O is not known: expected structure, atom, .*quotes, 'O'"):
        Selection.parse("element == O").structures([ETHANOL])
    with pytest.raises(InputError, match=r"config is not known: expected .*periodic, config_type\."):
        Selection.parse("config == 'bulk'").check_names(["config_type"])
    Selection.parse(" and ".join(f"{name} == {name}" for name in NAMES)).check_names([])


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("config_type == 'bulk'", [True, False, False]),
        ("config_type != 'bulk'", [False, True, True]),
        ("config_type == '300'", [False, True, False]),
        ("config_type == 300", [False, True, False]),
        ("config_type < 400", [False, True, False]),
        ("not config_type < 400", [True, False, True]),
        ("relaxed", [True, False, False]),
        ("periodic", [False, True, False]),
        ("periodic == False and element == 'H'", [True, False, True]),
    ],
)
def test_what_a_structure_does_not_say_is_unequal_to_everything(text: str, selected: list[bool]) -> None:
    said: list[dict[str, Any]] = [
        {"config_type": "bulk", "relaxed": np.True_},
        {"config_type": np.int64(300)},
        {},
    ]
    parts = [ETHANOL, COPPER, ETHANOL]
    selection = Selection.parse(text)
    assert selection.structures(parts, said, periodic=[False, True, False]).tolist() == selected


def test_every_element_can_be_named() -> None:
    for symbol, z in atomic_numbers.items():
        if z:
            assert Selection.parse(f"element == {symbol!r}").atoms(0, np.array([z, 1 + z % 90])).tolist()[0]
