"""A run that was stopped or killed, and resumed, is the run without interruption to the last bit; damage is one sentence."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.dynamics import DynamicsSettings, Trajectory, read_trajectory, run_dynamics
from spectral_ceilings.theory.errors import InputError

START = bulk("Ag", cubic=True)
START.rattle(0.05, seed=0)
LENGTH = DynamicsSettings(time_step=4.0, steps=230, equilibration=30, sample_every=10, seed=3)


def same(one: Trajectory, other: Trajectory) -> None:
    for field in dataclasses.fields(Trajectory):
        assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name


class Stopped(EMT):
    """EMT that is interrupted at a call, as by a user."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at, self.calls = at, 0

    def calculate(self, *given_: Any) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt
        super().calculate(*given_)


class Scaled(EMT):
    """EMT with energies and forces that are a little larger."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def calculate(self, *given_: Any) -> None:
        super().calculate(*given_)
        self.results = {name: self.factor * value for name, value in self.results.items()}


@hypothesis_settings(max_examples=5, deadline=None)
@given(
    at=st.integers(2, 250),
    cure=st.sampled_from(["none", "random", "mts-5:random", "mts-10:inversion"]),
    ensemble=st.sampled_from(["nve", "nvt"]),
    form=st.sampled_from(["hdf5", "extxyz"]),
)
def test_a_run_that_was_stopped_anywhere_goes_on_bit_for_bit(
    at: int, cure: str, ensemble: str, form: str
) -> None:
    settings = dataclasses.replace(LENGTH, cure=cure, ensemble=ensemble, format=form)
    whole = run_dynamics(START, EMT(), settings)
    with tempfile.TemporaryDirectory() as name:
        with pytest.raises(KeyboardInterrupt):
            run_dynamics(START, Stopped(at), settings, folder=name)
        again = run_dynamics(START, EMT(), settings, folder=name, resume=True)
        same(again, whole)
        same(read_trajectory(name), whole)
        same(run_dynamics(START, EMT(), settings, folder=name, resume=True), whole)


PROGRAM = """
import sys
from ase.build import bulk
from ase.calculators.emt import EMT
from spectral_ceilings.diagnostic.dynamics import DynamicsSettings, run_dynamics
start = bulk("Ag", cubic=True)
start.rattle(0.05, seed=0)
settings = DynamicsSettings(time_step=4.0, steps=STEPS, equilibration=30, sample_every=1, seed=3, cure="random",
                            format=sys.argv[2])
run_dynamics(start, EMT(), settings, folder=sys.argv[1], resume=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("form", ["hdf5", "extxyz"])
def test_a_process_that_was_killed_leaves_what_can_be_resumed_bit_for_bit(tmp_path: Path, form: str) -> None:
    program = PROGRAM.replace("STEPS", "300")
    state = tmp_path / "run" / "state.npz"
    for wait in (0.0, 0.13) if form == "hdf5" else (0.05,):
        process = subprocess.Popen([sys.executable, "-c", program, str(state.parent), form])
        seen = state.stat().st_mtime_ns if state.exists() else 0
        for _ in range(6000):  # a minute at most
            if process.poll() is not None or (state.exists() and state.stat().st_mtime_ns > seen):
                break
            time.sleep(0.01)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert state.exists()
    settings = DynamicsSettings(
        time_step=4.0, steps=300, equilibration=30, sample_every=1, seed=3, cure="random", format=form
    )
    partial = read_trajectory(state.parent)
    resumed = run_dynamics(START, EMT(), settings, folder=state.parent, resume=True)
    whole = run_dynamics(START, EMT(), settings)
    same(resumed, whole)
    assert np.array_equal(partial.positions, whole.positions[: len(partial.positions)])


@pytest.mark.parametrize("form", ["hdf5", "extxyz"])
def test_a_half_written_record_is_cut_off_and_a_run_can_be_made_longer(tmp_path: Path, form: str) -> None:
    settings = dataclasses.replace(LENGTH, format=form)
    run_dynamics(START, EMT(), dataclasses.replace(settings, steps=130), folder=tmp_path)
    if form == "extxyz":
        with (tmp_path / "trajectory.xyz").open("a") as stream:
            stream.write("4\nLattice=")
    assert len(read_trajectory(tmp_path).times) == 14
    same(
        run_dynamics(START, EMT(), settings, folder=tmp_path, resume=True),
        run_dynamics(START, EMT(), settings),
    )
    if form == "extxyz":
        images: Any = read(tmp_path / "trajectory.xyz", ":")
        assert len(images) == 24
        np.testing.assert_array_equal(images[0].cell, START.cell)


def test_another_run_in_the_folder_is_refused(tmp_path: Path) -> None:
    settings = dataclasses.replace(LENGTH, steps=20)
    run_dynamics(START, EMT(), settings, folder=tmp_path)
    with pytest.raises(InputError, match="holds a run already"):
        run_dynamics(START, EMT(), settings, folder=tmp_path)
    with pytest.raises(InputError, match="with seed 3, not 4"):
        run_dynamics(START, EMT(), dataclasses.replace(settings, seed=4), folder=tmp_path, resume=True)
    with pytest.raises(InputError, match="more than 10"):
        run_dynamics(START, EMT(), dataclasses.replace(settings, steps=10), folder=tmp_path, resume=True)
    with pytest.raises(InputError, match="another structure"):
        run_dynamics(bulk("Cu", cubic=True), EMT(), settings, folder=tmp_path, resume=True)
    with pytest.raises(InputError, match="holds a run of another calculator: at its first structure"):
        run_dynamics(START, Scaled(1.001), settings, folder=tmp_path, resume=True)
    # what another machine's single precision changes is let pass
    run_dynamics(START, Scaled(1 + 1e-7), settings, folder=tmp_path, resume=True)
    (tmp_path / "state.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match="cannot be read"):
        run_dynamics(START, EMT(), settings, folder=tmp_path, resume=True)
    with pytest.raises(InputError, match=r"holds no state\.npz"):
        read_trajectory(tmp_path / "elsewhere")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_disk_that_is_full_is_one_sentence(tmp_path: Path) -> None:
    settings = dataclasses.replace(LENGTH, steps=20, format="extxyz")
    (tmp_path / "trajectory.xyz").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device"):
        run_dynamics(START, EMT(), settings, folder=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        run_dynamics(START, EMT(), settings, folder=tmp_path / "file" / "run")
