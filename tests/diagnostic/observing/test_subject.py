"""What is observed: a name, a file or frames; calculators that are unfit for long runs are refused before them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.io import write
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.cli.observe import _words
from spectral_ceilings.diagnostic.dynamics.cures import parse_cure
from spectral_ceilings.diagnostic.dynamics.storage import read_trajectory
from spectral_ceilings.diagnostic.observing.job import observe
from spectral_ceilings.diagnostic.observing.settings import ObserveSettings
from spectral_ceilings.diagnostic.observing.subject import Observed, check_calculator, read_observed
from spectral_ceilings.diagnostic.orientation.fields import parse_field
from spectral_ceilings.theory.errors import InputError


class Deaf(Calculator):
    """Forces that do not know the cell, or that are new at every call."""

    implemented_properties = ("energy", "forces")

    def __init__(self, noise: float = 0.0):
        super().__init__()
        self.noise, self.count = noise, 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.count += 1
        forces = -self.atoms.positions + self.noise * self.count
        self.results = {"energy": float((self.atoms.positions**2).sum() / 2), "forces": forces}


def outcome(read: Callable[[str], Any], text: str) -> tuple[Any, str]:
    """Return what is read from a text, and the sentence that refuses it."""
    try:
        return read(text), ""
    except InputError as error:
        return None, str(error)


def test_files_and_names(tmp_path):
    water, methane = molecule("H2O"), molecule("CH4")
    write(tmp_path / "frames.xyz", [water, methane])
    assert read_observed("molecule:H2O").first.get_chemical_formula() == "H2O"
    both = read_observed(str(tmp_path / "frames.xyz"))
    assert [image.get_chemical_formula() for image in both.images] == ["H2O", "CH4"]
    assert both.sha256 is not None
    assert np.allclose(both.first.positions, water.positions, atol=1e-7)
    assert len(read_observed(str(tmp_path / "frames.xyz"), frames=1).images) == 1
    assert read_observed("bulk:Cu:cubic").periodic
    with pytest.raises(InputError, match="frames is 0"):
        read_observed("molecule:H2O", frames=0)


def test_masses_and_charges_of_a_file_are_kept_and_constraints_refused(tmp_path):
    heavy = molecule("H2O")
    heavy.set_masses([16.0, 2.014, 2.014])
    heavy.set_initial_charges([1.0, 0.0, 0.0])
    write(tmp_path / "heavy.extxyz", heavy)
    first = read_observed(str(tmp_path / "heavy.extxyz")).first
    assert first.get_masses().tolist() == [16.0, 2.014, 2.014]
    assert first.get_initial_charges().tolist() == [1.0, 0.0, 0.0]
    held = molecule("H2O")
    held.set_constraint(FixAtoms([0]))
    write(tmp_path / "held.extxyz", [molecule("H2O"), held])
    with pytest.raises(InputError, match="the structure has constraints"):
        observe(EMT(), read_observed(str(tmp_path / "held.extxyz")), ObserveSettings(steps=20))


def test_replicas_of_a_structure_with_velocities_are_independent(tmp_path):
    moving = molecule("H2O")
    moving.set_momenta(np.random.default_rng(0).standard_normal((3, 3)))
    asked = ObserveSettings(
        observables=("potential",), ensemble="nve", steps=20, equilibration=0, replicas=2, predict=False
    )
    observe(EMT(), moving, asked, out=tmp_path / "run")
    first, second = (read_trajectory(tmp_path / f"run/runs/none/{k}") for k in range(2))
    assert not np.allclose(first.velocities[0], second.velocities[0])


def test_unfit_calculators_are_refused():
    assert check_calculator(EMT(), Observed((molecule("H2O"),), "water")) >= 0.0
    assert check_calculator(EMT(), Observed((bulk("Cu", cubic=True),), "copper")) >= 0.0
    with pytest.raises(InputError, match="ignores its cell"):
        check_calculator(Deaf(), Observed((bulk("Cu", cubic=True),), "copper"))
    with pytest.raises(InputError):
        check_calculator(Deaf(noise=0.1), Observed((molecule("H2O"),), "water"))


@settings(deadline=None, max_examples=60)  # RDKit and ASE load at the first name
@given(st.text(max_size=14) | st.from_regex(r"(molecule|bulk|box|smiles):[A-Za-z0-9:=]{0,6}", fullmatch=True))
def test_a_structure_is_read_or_refused_with_one_kind_of_error(text):
    observed, refused = outcome(read_observed, text)
    assert "\n" not in refused.replace(text, "")
    assert refused or len(observed.first) >= 1


pieces = st.sampled_from(
    [
        "none",
        "inversion",
        "grid",
        "grid-2",
        "-inversion",
        "random",
        "mts-",
        "10",
        ":",
        "-",
        "2",
        "0",
        "31",
        " ",
    ]
)
names = st.lists(pieces, max_size=5).map("".join) | st.text(max_size=10)


@given(names)
def test_a_cure_is_read_or_refused(text):
    cure, refused = outcome(parse_cure, text)
    if cure is None:
        assert repr(text) in refused
    else:
        assert cure.name == text
        assert cure.evaluations >= 1


@given(
    st.lists(
        st.sampled_from(["none", "inversion", "grid-2", "random", "mts-10:grid-2"]), min_size=1, max_size=5
    )
)
def test_cures_of_a_command_are_those_of_the_settings(cures):
    words = _words(" , ".join(cures), "--cures")
    if len(set(cures)) == len(cures):
        assert ObserveSettings(cures=words).cures == tuple(cures)
    else:
        with pytest.raises(InputError, match="twice"):
            ObserveSettings(cures=words)


@given(st.text(max_size=12) | st.from_regex(r"(P|exp|toy)[0-9.]{0,3}:[-0-9.e]{1,6}", fullmatch=True))
def test_a_field_is_read_or_refused(text):
    field, refused = outcome(parse_field, text)
    assert "\n" not in refused.replace(text, "")
    assert refused or np.isfinite(field.coefficient)
