"""Copies of a molecule moved together are the runs that each would be alone; interrupted, they end the same to the last bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from ase import units
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.md.verlet import VelocityVerlet
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic import FieldCalculator
from spectral_ceilings.diagnostic.dynamics import (
    DynamicsSettings,
    Trajectory,
    copies,
    read_trajectory,
    run_copies,
    run_dynamics,
)
from spectral_ceilings.diagnostic.observing import ObserveSettings, observe
from spectral_ceilings.diagnostic.observing.runs import run_all
from spectral_ceilings.diagnostic.records.parts import Parts
from spectral_ceilings.diagnostic.records.progress import silent
from spectral_ceilings.diagnostic.symmetry.batch_calculator import BatchCalculator
from spectral_ceilings.theory.errors import InputError

CURES = (
    "none", "inversion", "grid-2", "grid-1-inversion", "random", "random-inversion", "mts-1:inversion", "mts-5:inversion",
    "mts-5:grid-1", "mts-5:random", "mts-5:random-inversion",
)  # fmt: skip
WATER = molecule("H2O")


class Springs(BatchCalculator):
    """Springs between atoms in a field that knows the axes. Structure by structure, so that a batch is what each is alone."""

    no_cells: ClassVar[str] = "springs know no cell"

    def __init__(self, reference: Any = WATER, stiffness: float = 20.0) -> None:
        super().__init__()
        self.lengths, self.stiffness = reference.get_all_distances(), stiffness
        self.calls, self.sizes = 0, set[int]()

    def evaluate(self, numbers: Any, positions: Any) -> tuple[Any, Any]:
        self.calls += 1
        self.sizes.add(len(positions))
        answers = [self.alone(numbers, x - x.mean(axis=0)) for x in positions]
        return np.array([energy for energy, _ in answers]), np.array([force for _, force in answers])

    def alone(self, numbers: Any, x: Any) -> tuple[Any, Any]:
        charges = np.where(numbers == 1, 0.5, -1.0)[:, None]
        apart = x[:, None] - x[None, :]
        length = np.linalg.norm(apart, axis=-1) + np.eye(len(x))
        stretch = (length - self.lengths) * (1 - np.eye(len(x)))
        along = np.exp(x @ [0.3, 0.2, -0.5])[:, None]
        pull = charges * along * [0.3, 0.2, -0.5]
        forces = -self.stiffness * np.einsum("ij,ijk->ik", stretch / length, apart) - (
            pull - pull.mean(axis=0)
        )
        return 0.25 * self.stiffness * (stretch**2).sum() + (charges * along).sum(), forces


def each(count: int = 3, **changes: Any) -> list[DynamicsSettings]:
    settings = DynamicsSettings(steps=30, equilibration=10, sample_every=5)
    return [dataclasses.replace(settings, seed=7 * k, **changes) for k in range(count)]


def same(one: Trajectory, other: Trajectory) -> None:
    for field in dataclasses.fields(Trajectory):
        assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name


@pytest.mark.parametrize("ensemble", ["nve", "nvt"])
@pytest.mark.parametrize("cure", CURES)
def test_a_copy_is_the_run_that_it_is_alone(cure: str, ensemble: str) -> None:
    settings = each(cure=cure, ensemble=ensemble)
    together = Springs()
    made = run_copies(WATER, together, settings)
    for copy, asked in zip(made, settings, strict=True):
        same(copy, run_dynamics(WATER, Springs(), asked))
    assert len({run.positions.tobytes() for run in made}) == len(made)
    assert all(run.ended == "" and len(run.times) == 7 for run in made)


@pytest.mark.parametrize("name", ["CO2", "CH3CH2OH", "C6H6"])
@pytest.mark.parametrize("field", ["P2:0.01", "toy:0.0001"])
def test_a_field_on_many_molecules_is_the_field_on_each(name: str, field: str) -> None:
    start = molecule(name)
    settings = each(cure="mts-5:random-inversion")
    made = run_copies(start, FieldCalculator(Springs(start), field), settings)
    for copy, asked in zip(made, settings, strict=True):
        same(copy, run_dynamics(start, FieldCalculator(Springs(start), field), asked))


def test_constant_energy_is_velocity_verlet_of_ase() -> None:
    start = WATER.copy()
    start.set_momenta(np.random.default_rng(0).normal(size=(3, 3)))
    (run,) = run_copies(start, Springs(), each(1, ensemble="nve", equilibration=0))
    atoms = start.copy()
    atoms.calc = Springs()
    VelocityVerlet(atoms, 0.5 * units.fs).run(30)
    assert np.array_equal(run.positions[-1], atoms.positions)
    assert np.array_equal(run.velocities[-1], atoms.get_velocities() * units.fs)


@pytest.mark.parametrize(("cure", "calls"), [("none", 41), ("random-inversion", 82), ("mts-5:inversion", 59)])
def test_a_step_of_all_copies_asks_the_calculator_once(cure: str, calls: int) -> None:
    """40 steps and the start; of a multiple time step 8 averages and the one at the start more, two evaluations each."""
    together = Springs()
    run_copies(WATER, together, each(cure=cure))
    assert (together.calls, together.sizes) == (calls, {3})


class Stopped(Springs):
    """Springs that are interrupted at a call, as by a user."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def evaluate(self, numbers: Any, positions: Any) -> tuple[Any, Any]:
        if self.calls + 1 == self.at:
            raise KeyboardInterrupt
        return super().evaluate(numbers, positions)


class Neighbourly(Stopped):
    """An answer that depends in its last bits on the other structures of the batch, as with arrays that are put together."""

    def evaluate(self, numbers: Any, positions: Any) -> tuple[Any, Any]:
        energies, forces = super().evaluate(numbers, positions)
        return energies, forces + 1e-15 * np.sin(1e6 * positions.sum())


@hypothesis_settings(max_examples=8, deadline=None)
@given(
    at=st.integers(2, 50),
    cure=st.sampled_from(["none", "random", "mts-5:random", "mts-5:inversion"]),
    ensemble=st.sampled_from(["nve", "nvt"]),
    form=st.sampled_from(["hdf5", "extxyz"]),
    often=st.booleans(),
)
def test_copies_that_were_stopped_anywhere_go_on_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, at: int, cure: str, ensemble: str, form: str, often: bool
) -> None:
    settings = each(cure=cure, ensemble=ensemble, format=form)
    whole = run_copies(WATER, Neighbourly(-1), settings)
    place = tmp_path_factory.mktemp("copies")
    folders = [place / str(k) for k in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            copies, "pause", lambda _: -1e9 if often else 1e9
        )  # states at every record, or at the start alone
        calculator = Neighbourly(at)
        try:
            run_copies(WATER, calculator, settings, folders=folders)
        except KeyboardInterrupt:
            assert calculator.calls == at - 1
        again = run_copies(WATER, Neighbourly(-1), settings, folders=folders, resume=True)
    for k in range(3):
        same(again[k], whole[k])
        same(read_trajectory(folders[k]), whole[k])
    # and each can go on alone, longer than before
    longer = dataclasses.replace(settings[1], steps=60)
    alone = run_dynamics(WATER, Springs(), longer, folder=folders[1], resume=True)
    assert np.allclose(alone.positions, run_dynamics(WATER, Springs(), longer).positions, rtol=0, atol=1e-9)


def test_a_process_that_is_killed_while_states_are_saved_goes_on_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "pause", lambda _: -1e9)
    settings = each(cure="random")
    whole = run_copies(WATER, Neighbourly(-1), settings)
    for at in range(1, 27, 4):  # 8 states of each, one at the start, and how each ended
        folders = [tmp_path / str(at) / str(k) for k in range(3)]
        written = 0

        def save(run: Any, _real: Any = copies._Copy.save, _at: int = at) -> None:
            nonlocal written
            written += 1
            if written > _at:
                raise KeyboardInterrupt
            _real(run)

        with monkeypatch.context() as patch:
            patch.setattr(copies._Copy, "save", save)
            with pytest.raises(KeyboardInterrupt):
                run_copies(WATER, Neighbourly(-1), settings, folders=folders)
        for run, expected in zip(
            run_copies(WATER, Neighbourly(-1), settings, folders=folders, resume=True), whole, strict=True
        ):
            same(run, expected)


class Torn(Springs):
    """Springs that fail, or give no number, for a molecule with a distance beyond a limit; they know how far each copy went."""

    def __init__(self, limit: float = np.inf, how: str = "") -> None:
        super().__init__()
        self.limit, self.how = limit, how
        self.reached = np.zeros(4)

    def evaluate(self, numbers: Any, positions: Any) -> tuple[Any, Any]:
        apart = np.linalg.norm(positions[:, :, None] - positions[:, None], axis=-1).max(axis=(1, 2))
        if len(apart) == len(self.reached):
            self.reached = np.maximum(self.reached, apart)
        if self.how == "raise" and apart.max() > self.limit:
            raise ValueError("two atoms\nhave met")
        energies, forces = super().evaluate(numbers, positions)
        lost = apart > self.limit
        return np.where(lost, np.nan, energies), np.where(lost[:, None, None], np.nan, forces)


@pytest.mark.parametrize("how", ["raise", "nan"])
@pytest.mark.parametrize("cure", ["none", "mts-5:inversion"])
def test_a_copy_that_ends_says_so_and_the_others_go_on(cure: str, how: str, tmp_path: Path) -> None:
    settings = each(4, cure=cure)
    sound = Torn()
    whole = run_copies(WATER, sound, settings)
    *_, second, first = np.sort(sound.reached)
    calculator = Torn(0.5 * (first + second), how)  # what one copy reaches and no other
    folders = [tmp_path / str(k) for k in range(4)]
    made = run_copies(WATER, calculator, settings, folders=folders)
    lost = int(np.argmax(sound.reached))
    for k, run in enumerate(made):
        alone = run_dynamics(WATER, Torn(calculator.limit, how), settings[k])
        assert bool(run.ended) == bool(alone.ended) == (k == lost)
        same(dataclasses.replace(run, ended=""), dataclasses.replace(alone, ended=""))
        same(read_trajectory(folders[k]), run)
        if k != lost:
            same(run, whole[k])
    words = "the calculator failed (two atoms have met)" if how == "raise" else "no longer finite"
    assert words in made[lost].ended
    assert made[lost].ended.endswith(f"kept in {str(folders[lost])!r}")
    assert calculator.sizes == {1, 4}  # one alone, by whose answer the calculator is known again
    again = run_copies(WATER, Springs(), settings, folders=folders, resume=True)
    for run, expected in zip(again, made, strict=True):
        same(run, expected)


def test_a_molecule_that_breaks_is_told_from_the_others() -> None:
    loose = Springs(stiffness=0.5)
    settings = each(4, steps=300, temperature=600.0, ensemble="nve")
    made = run_copies(WATER, loose, settings)
    assert any("a molecule broke: the bond between atoms 0 and" in run.ended for run in made)
    for run, asked in zip(made, settings, strict=True):
        same(run, run_dynamics(WATER, Springs(stiffness=0.5), asked))


class Few(Springs):
    """Springs that answer for the first structure alone."""

    def evaluate(self, numbers: Any, positions: Any) -> tuple[Any, Any]:
        return super().evaluate(numbers, positions[:1])


def test_what_cannot_be_moved_together_is_refused(tmp_path: Path) -> None:
    crystal = bulk("Ag", cubic=True)
    for atoms, calculator, settings, words in (
        (crystal, Springs(crystal), each(), "has a cell"),
        (WATER, EMT(), each(), "EMT has no evaluate"),
        (WATER, Springs(), [], "no settings"),
        (WATER, Springs(), [*each(1), *each(1, temperature=200.0)], "more than their seed"),
        (WATER, Springs(), each(driver="i-pi"), "driver is 'i-pi'"),
    ):
        with pytest.raises(InputError, match=words):
            run_copies(atoms, calculator, settings)
    with pytest.raises(InputError, match="2 folders were given for 3 copies"):
        run_copies(WATER, Springs(), each(), folders=[tmp_path / "a", tmp_path / "b"])
    with pytest.raises(InputError, match="gave energies of shape"):
        run_copies(WATER, Few(), each())
    folders = [tmp_path / str(k) for k in range(3)]
    run_copies(WATER, Springs(), each(steps=5), folders=folders)
    with pytest.raises(InputError, match="holds a run already"):
        run_copies(WATER, Springs(), each(steps=5), folders=folders)


def test_observe_moves_replicas_together(tmp_path: Path) -> None:
    settings = ObserveSettings(
        observables=("temperature", "drift"), steps=40, equilibration=10, sample_every=5, replicas=3, cures=("none", "random"),
        predict=False, format="extxyz",
    )  # fmt: skip
    said: list[str] = []
    result = observe(Springs(), WATER, settings, announce=said.append)
    assert said[0].endswith(" ms, 3 replicas together")
    assert [(row["cure"], row["replica"], row["ended"]) for row in result["runs"]] == [
        (cure, k, "") for cure in settings.cures for k in range(3)
    ]
    together = Springs()
    with Parts.open(tmp_path / "o", settings.to_dict(), resume=False) as parts:
        rows, runs = run_all(WATER, together, settings, parts, silent)
    assert together.sizes == {1, 3}
    with Parts.open(tmp_path / "o", settings.to_dict(), resume=True) as parts:
        again = run_all(WATER, Springs(), settings, parts, silent)
    assert again[0] == rows
    for row in rows:
        cure, replica = row["cure"], row["replica"]
        assert row["folder"] == f"runs/{cure}/{replica}"
        assert row["seconds"] > 0
        alone = run_dynamics(WATER, Springs(), settings.dynamics(cure, replica))
        for run in (
            read_trajectory(tmp_path / "o" / row["folder"]),
            runs[cure][replica],
            again[1][cure][replica],
        ):
            same(run, alone)


class Vanishing(Springs):
    """Springs on a card that is gone after some calls."""

    def __init__(self, lasts: int) -> None:
        super().__init__()
        self.lasts = lasts

    def evaluate(self, numbers: Any, positions: Any) -> tuple[Any, Any]:
        if self.calls >= self.lasts:
            raise torch.AcceleratorError("CUDA error: unspecified launch failure")
        return super().evaluate(numbers, positions)


def test_a_card_that_vanishes_is_no_molecule_that_broke(tmp_path: Path) -> None:
    settings = [dataclasses.replace(each(1)[0], seed=k, sample_every=1) for k in range(2)]
    folders = [tmp_path / str(k) for k in range(2)]
    with pytest.raises(torch.AcceleratorError):
        run_copies(WATER, Vanishing(30), settings, folders=folders)
    for copy, asked in zip(
        run_copies(WATER, Springs(), settings, folders=folders, resume=True), settings, strict=True
    ):
        same(copy, run_dynamics(WATER, Springs(), asked))
    with pytest.raises(torch.AcceleratorError):
        run_dynamics(WATER, Vanishing(30), settings[0])
