"""i-PI as the program that moves the atoms: a process of its own, forces through a UNIX socket, records as ours.

i-PI has no step at which the bath acts alone that could be resumed to the last bit here: a run that was stopped starts anew. Its
cures are those of ``ffrotations``: grids of even degree D are its ``legendre`` grids of order D / 2 + 1, and ``random`` draws
proper and improper rotations alike. M. Ceriotti et al., i-PI (GPL-3.0 or MIT).
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import units
from ase.calculators import socketio as ase_sockets
from ase.calculators.calculator import Calculator, all_changes
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..records.progress import Progress, silent
from .bonds import HOT, MARGIN, Bonds, explosion
from .cures import Cure, parse_cure
from .movers import thermal_momenta
from .settings import DynamicsSettings
from .storage import SERIES, STORES, as_trajectory, digest, head_of, read_state, read_trajectory, write_state
from .trajectory import Trajectory

Array = NDArray[np.float64]
#: A module of ASE, which has no types.
_SOCKETS: Any = ase_sockets
#: Seconds for i-PI to start.
_START = 60.0
_MASS = units._amu / units._me
_TIME = units._aut * 1e15  # fs
#: Runs in i-PI's process; one row of numbers for each record: energies, positions, momenta, forces.
_PROGRAM = """
import sys
import numpy as np
from ipi.scripting.interactive import InteractiveSimulation
simulation = InteractiveSimulation(open("input.xml").read())
system = simulation.syslist[0]
def record(out):
    kinetic = 0.5 * float((system.beads.p[0] ** 2 / system.beads.m3[0]).sum())
    head = [float(system.forces.pot), kinetic, float(system.ensemble.econs)]
    row = np.concatenate([head, system.beads.q[0], system.beads.p[0], system.forces.f[0]])
    out.write(row.astype(float).tobytes())
    out.flush()
with open("records.bin", "wb") as out:
    record(out)
    for _ in range(int(sys.argv[1])):
        simulation.run(int(sys.argv[2]), write_outputs=False)
        record(out)
simulation.stop()
import os
os._exit(0)
"""


class _Client(Calculator):
    """The model as i-PI's client: structures keep the cell and the atoms of the start."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, base: Any, start: Any) -> None:
        super().__init__()
        self.base, self.start = base, start

    def calculate(self, atoms: Any = None, properties: Any = (), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        bare = self.start.copy()
        given: Any = self.atoms
        if bare.pbc.any():
            bare.set_cell(given.cell)
        bare.positions = given.positions
        bare.calc = self.base
        self.results = {"energy": bare.get_potential_energy(), "forces": bare.get_forces()}


def run_with_ipi(
    atoms: Any,
    calculator: Any,
    settings: DynamicsSettings,
    *,
    folder: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Trajectory:
    """Run i-PI; parameters and errors are those of :func:`run_dynamics`.

    Raises
    ------
    InputError
        Besides: i-PI is not installed, has no such cure, does not start, or wants another orientation of the cell.
    """
    cure = _checked(atoms, settings)
    origin = digest(atoms)
    state = None if folder is None else read_state(folder)
    if folder is not None and state is not None:
        if not resume:
            raise InputError(f"{str(folder)!r} holds a run already: resume it or give another folder")
        earlier = json.loads(str(state["settings"]))
        if earlier == asdict(settings) and str(state["origin"]) == origin:
            return read_trajectory(folder)
        raise InputError(
            f"{str(folder)!r} holds another run: give the same structure and settings or another folder"
        )
    start = atoms.copy()
    if not start.get_momenta().any():
        start.set_momenta(
            thermal_momenta(atoms, settings.temperature, np.random.default_rng([settings.seed, 11]))
        )
    ended = ""
    if settings.equilibration:
        count = settings.equilibration
        warm = replace(settings, ensemble="nvt", steps=count, sample_every=count, seed=settings.seed + 1)
        rows, ended = _run(start, calculator, warm, cure, silent)
        if not ended:
            start.positions = rows["positions"][-1]
            momenta = rows["velocities"][-1] / units.fs * start.get_masses()[:, None]
            if settings.ensemble == "nve":
                momenta -= start.get_masses()[:, None] * momenta.sum(axis=0) / start.get_masses().sum()
            start.set_momenta(momenta)
        else:
            ended = f"{ended} in the equilibration; no record was made"
    series = _empty(len(atoms)) if ended else {}
    if not ended:
        series, ended = _run(start, calculator, settings, cure, progress or silent)
        if ended:
            last = (len(series["times"]) - 1) * settings.sample_every * settings.time_step
            ended = f"{ended}; {len(series['times'])} records up to {max(last, 0.0):g} fs are kept"
    head = head_of(atoms)
    records = [{name: series[name][k] for name in SERIES} for k in range(len(series["times"]))]
    if folder is not None:
        store = STORES[settings.format](folder, head)
        store.create(len(records))
        size = store.append(0, records)
        write_state(folder, {
            **head, "settings": json.dumps(asdict(settings)), "origin": origin, "format": settings.format, "ended": ended,
            "final_records": len(records), "final_size": size, "finished_steps": settings.steps,
        })  # fmt: skip
    return as_trajectory(head, records, ended)


def _checked(atoms: Any, settings: DynamicsSettings) -> Cure:
    cure = parse_cure(settings.cure)
    if importlib.util.find_spec("ipi") is None:
        raise InputError(
            "driver is 'i-pi' and the package is not installed: run pip install 'spectral-ceilings[observe]'"
        )
    if cure.multiple or cure.degree % 2:
        raise InputError(
            f"cure is {cure.name!r}, and driver i-pi has none, inversion, random and grids of even degree: take one of these "
            "or driver ase"
        )
    cell = np.asarray(atoms.cell)
    if atoms.pbc.any() and (np.abs(np.triu(cell, 1)) > 1e-12).any():
        raise InputError(
            "the first cell vector is not along x, or the second not in the plane of x and y, as driver i-pi wants: turn the "
            "structure or take driver ase"
        )
    return cure


def _empty(count: int) -> dict[str, Array]:
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
    return f"""<simulation verbosity='quiet' threading='False'>
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


def _run(
    atoms: Any, calculator: Any, settings: DynamicsSettings, cure: Cure, progress: Progress
) -> tuple[dict[str, Array], str]:
    """Run i-PI once; return the series of its records and what ended it early."""
    ended = ""
    with tempfile.TemporaryDirectory(prefix="ceilings-ipi-") as name:
        place = Path(name)
        address = place.name
        socket = Path(_SOCKETS.actualunixsocketname(address))
        (place / "input.xml").write_text(_input(atoms, settings, cure, address), encoding="utf-8")
        blocks = settings.steps // settings.sample_every
        with (place / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(blocks), str(settings.sample_every)],
                cwd=place, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                ended = _serve(
                    _connected(address, process, place), atoms, calculator, settings, progress, process
                )
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()
                with suppress(OSError):
                    socket.unlink(missing_ok=True)
        series = _series(place / "records.bin", atoms, settings)
        if not ended and len(series["times"]) < blocks + 1:
            ended = f"i-PI stopped ({_last_words(place)})"
    return _sound(series, atoms, settings, ended)


def _sound(
    series: dict[str, Array], atoms: Any, settings: DynamicsSettings, ended: str
) -> tuple[dict[str, Array], str]:
    """Cut the records off where a molecule broke or the atoms flew apart."""
    bonds = Bonds(atoms)
    limit = HOT * max(settings.temperature, float(atoms.get_temperature())) + MARGIN
    for k, positions in enumerate(series["positions"]):
        reason = explosion(float(series["kinetic"][k]), len(atoms), limit) or bonds.broken(positions)
        if reason:
            return {
                name: values[:k] for name, values in series.items()
            }, f"{reason} after {series['times'][k]:g} fs"
    return series, ended


def _connected(address: str, process: Any, place: Path) -> Any:
    deadline = time.monotonic() + _START
    path = Path(_SOCKETS.actualunixsocketname(address))
    while True:
        try:
            if path.exists():
                time.sleep(0.05)  # it listens right after the name is there
                return _SOCKETS.SocketClient(unixsocket=address, timeout=_START)
            raise FileNotFoundError
        except (FileNotFoundError, ConnectionRefusedError):
            if process.poll() is not None:
                raise InputError(f"i-PI did not start: {_last_words(place)}") from None
            if time.monotonic() > deadline:
                raise InputError(
                    f"i-PI did not open its socket within {_START:.0f} s: try again, or take driver ase"
                ) from None
            time.sleep(0.02)


def _serve(
    client: Any, atoms: Any, calculator: Any, settings: DynamicsSettings, progress: Progress, process: Any
) -> str:
    """Answer until i-PI closes the socket; return why it could not go on."""
    asked = atoms.copy()
    asked.calc = _Client(calculator, atoms)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for done, _ in enumerate(client.irun(asked, use_stress=False), start=1):
                if done % 1000 == 0:
                    progress("dynamics", 0, 0)  # evaluations, of which i-PI makes its steps
                if not (
                    np.isfinite(asked.calc.results["energy"])
                    and np.isfinite(asked.calc.results["forces"]).all()
                ):
                    return "the energy or the forces are no longer finite"
        except OSError:  # i-PI has ended; its records say whether it had finished
            pass
        except Exception as error:
            reason = " ".join(str(error).split())[:150] or type(error).__name__
            return f"the calculator failed ({reason})"
        finally:
            with suppress(OSError):
                client.protocol.socket.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    return ""


def _series(path: Path, atoms: Any, settings: DynamicsSettings) -> dict[str, Array]:
    """Read the whole rows of i-PI's records."""
    count = len(atoms)
    if not path.exists():
        return _empty(count)
    numbers = np.frombuffer(path.read_bytes()[: path.stat().st_size // 8 * 8])
    width = 3 + 9 * count
    rows = numbers[: len(numbers) // width * width].reshape(-1, width)
    if not len(rows):
        return _empty(count)
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


def _last_words(place: Path) -> str:
    lines = [
        line.strip() for line in (place / "log").read_text(errors="replace").splitlines() if line.strip()
    ]
    return lines[-1][:200] if lines else "it said nothing"
