"""What passes between this program and i-PI besides forces: its input, its restart file, the records that it leaves."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from ase import units
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..records.files import write_whole
from .cures import Cure
from .settings import DynamicsSettings
from .storage import SERIES

Array = NDArray[np.float64]
_MASS = units._amu / units._me
_TIME = units._aut * 1e15  # fs
#: Runs in i-PI's process; one row of numbers for each record: energies, positions, momenta, forces.
PROGRAM = """
import os, sys, threading, time
import numpy as np
from ipi.scripting.interactive import InteractiveSimulation
blocks, every, keep, drawn = (int(word) for word in sys.argv[1:])
parent = os.getppid()
def watch():
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
resumed = os.path.exists("restart.xml")
simulation = InteractiveSimulation(open("restart.xml" if resumed else "input.xml").read())
system = simulation.syslist[0]
def record(out):
    kinetic = 0.5 * float((system.beads.p[0] ** 2 / system.beads.m3[0]).sum())
    head = [float(system.forces.pot), kinetic, float(system.ensemble.econs)]
    row = np.concatenate([head, system.beads.q[0], system.beads.p[0], system.forces.f[0]])
    out.write(row.astype(float).tobytes())
    out.flush()
def checkpoint(out):
    os.fsync(out.fileno())
    with open("restart.new", "w") as made:
        made.write(open("RESTART").read())
        made.flush()
        os.fsync(made.fileno())
    os.replace("restart.new", "restart.xml")
    if drawn:  # the next forces are of a new rotation, as they are after a restart
        system.beads.q[:] = np.array(system.beads.q)
with open("records.bin", "ab") as out:
    if not resumed:
        record(out)
    for block in range(simulation.step // every + 1, blocks + 1):
        simulation.run(every, write_outputs=False)
        record(out)
        if block % keep == 0:
            checkpoint(out)
simulation.stop()
os._exit(0)
"""


def empty(count: int) -> dict[str, Array]:
    """Return the series of a run of so many atoms that has no record."""
    return {
        name: np.zeros((0, count, 3) if name in ("positions", "velocities", "forces") else 0)
        for name in SERIES
    }


def _numbers(values: Any) -> str:
    return "[" + ",".join(repr(float(x)) for x in np.asarray(values).ravel()) + "]"


def _input(atoms: Any, settings: DynamicsSettings, cure: Cure, address: str) -> str:
    count = len(atoms)
    cell = np.asarray(atoms.cell).T / units.Bohr if atoms.pbc.any() else np.eye(3) * 1e4
    momenta = atoms.get_velocities() * units.fs / units.Bohr * _TIME * atoms.get_masses()[:, None] * _MASS
    names = ",".join(atoms.get_chemical_symbols())
    socket = f"<ffsocket mode='unix' name='{{}}' pbc='false'><address>{address}</address><latency>1e-4</latency></ffsocket>"
    forces = socket.format("model")
    if cure.kind != "none":
        order = cure.degree // 2 + 1
        forces = (
            f"<ffrotations name='model'>{socket.format('bare')}<random>{cure.kind == 'random'}</random>"
            f"<inversion>{cure.inversion}</inversion><grid_order>{order}</grid_order><grid_mode>legendre</grid_mode>"
            f"<prng><seed>{settings.seed + 1}</seed></prng></ffrotations>"
        )
    friction = settings.friction * _TIME
    bath = (
        f"<thermostat mode='langevin'><tau>{1 / friction!r}</tau></thermostat>"
        if settings.ensemble == "nvt"
        else ""
    )
    return f"""<simulation verbosity='quiet' threading='False' floatformat='%.17e'>
<output prefix='run'></output><total_steps>{settings.steps + 1}</total_steps><prng><seed>{settings.seed}</seed></prng>
{forces}
<system>
<beads natoms='{count}' nbeads='1'><q shape='(1,{3 * count})'>{_numbers(atoms.positions / units.Bohr)}</q>
<p shape='(1,{3 * count})'>{_numbers(momenta)}</p><m shape='({count})'>{_numbers(atoms.get_masses() * _MASS)}</m>
<names shape='({count})'>[{names}]</names></beads>
<cell shape='(3,3)'>{_numbers(cell)}</cell>
<forces><force forcefield='model'></force></forces>
<ensemble><temperature>{settings.temperature * units.kB / units.Hartree!r}</temperature></ensemble>
<motion mode='dynamics'><fixcom>False</fixcom><dynamics mode='{settings.ensemble}'>
<timestep>{settings.time_step / _TIME!r}</timestep>{bath}</dynamics></motion>
</system></simulation>"""


def prepare(place: Path, atoms: Any, settings: DynamicsSettings, cure: Cure, address: str) -> None:
    """Write i-PI's input; or give its restart file the new address, and cut off the records that were made after it."""
    restart, records = place / "restart.xml", place / "records.bin"
    if not restart.exists():
        records.unlink(missing_ok=True)
        if not (place / "input.xml").exists():
            write_whole(place / "input.xml", _input(atoms, settings, cure, address))
    for name in ("input.xml", "restart.xml"):
        if (place / name).exists():
            text = (place / name).read_text(encoding="utf-8")
            write_whole(
                place / name, re.sub(r"<address>.*?</address>", f"<address>{address}</address>", text)
            )
    if restart.exists():
        step = re.search(r"<step>\s*(\d+)\s*</step>", restart.read_text(encoding="utf-8"))
        kept = (int(step[1]) // settings.sample_every + 1) if step else 0
        size = kept * 8 * (3 + 9 * len(atoms))
        if not step or not records.exists() or records.stat().st_size < size:
            raise InputError(
                f"{str(place)!r} has fewer records than its restart file: delete the folder and start the run again"
            )
        os.truncate(records, size)


def series_of(path: Path, atoms: Any, settings: DynamicsSettings) -> dict[str, Array]:
    """Read the whole rows of i-PI's records."""
    count = len(atoms)
    if not path.exists():
        return empty(count)
    numbers = np.frombuffer(path.read_bytes()[: path.stat().st_size // 8 * 8])
    width = 3 + 9 * count
    rows = numbers[: len(numbers) // width * width].reshape(-1, width)
    if not len(rows):
        return empty(count)
    vectors = rows[:, 3:].reshape(len(rows), 3, count, 3)
    potential, kinetic, conserved = rows[:, :3].T * units.Hartree
    masses = atoms.get_masses()[:, None] * _MASS
    return {
        "times": np.arange(len(rows)) * settings.sample_every * settings.time_step,
        "positions": vectors[:, 0] * units.Bohr,
        "velocities": vectors[:, 1] / masses * units.Bohr / _TIME,
        "forces": vectors[:, 2] * units.Hartree / units.Bohr,
        "potential": potential,
        "kinetic": kinetic,
        "conserved": conserved - conserved[0] + potential[0] + kinetic[0],
    }
