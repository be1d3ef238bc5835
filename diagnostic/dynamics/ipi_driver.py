"""i-PI as the program that moves the atoms: a process of its own, forces through a UNIX socket, records as ours.

A run in a folder leaves i-PI's own restart file there about every hundred steps, in all digits, and goes on from it: positions,
momenta, the thermostat and all generators of random numbers are as they were, and forces are computed again for the same
structure. A resumed run is thus the run without interruption to the last bit, as far as the calculator's answer does not depend
on what it was asked before. A run that is stopped in its equilibration begins again.

The cures are those of ``ffrotations``: grids of even degree D are its ``legendre`` grids of order D / 2 + 1, and ``random`` draws
proper and improper rotations alike. M. Ceriotti et al., i-PI (GPL-3.0 or MIT).
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from contextlib import nullcontext, suppress
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
from .fingerprint import answer_of, check_same_answer, check_same_run
from .ipi_files import PROGRAM, empty, prepare, series_of
from .movers import thermal_momenta
from .settings import DynamicsSettings
from .storage import SERIES, STORES, as_trajectory, digest, head_of, read_state, read_trajectory, write_state
from .trajectory import Trajectory

Array = NDArray[np.float64]
#: A module of ASE, which has no types.
_SOCKETS: Any = ase_sockets
#: Seconds for i-PI to start; steps between its restart files, about: a whole number of records, and at least one.
_START = 60.0
_STATE_EVERY = 100


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
    head = head_of(atoms)
    state = None if folder is None else read_state(folder)
    place = None if folder is None else folder / "ipi"
    saved: dict[str, Any] = {}
    if folder is not None and state is not None:
        if not resume:
            raise InputError(f"{str(folder)!r} holds a run already: resume it or give another folder")
        check_same_run(state, settings, digest(atoms), folder)
        check_same_answer(state, calculator, atoms, folder)
        if str(state["ended"]) or int(state["finished_steps"]) == settings.steps:
            return read_trajectory(folder)
        saved = dict(state)
    elif folder is not None:
        STORES[settings.format](folder, head).create(0)
        saved = {
            **head, **answer_of(calculator, atoms), "origin": digest(atoms), "format": settings.format, "ended": "",
            "final_records": 0, "final_size": 0, "finished_steps": -1, "settings": json.dumps(asdict(settings)),
        }  # fmt: skip
        write_state(folder, saved)
        if place is not None and place.exists():
            shutil.rmtree(place)
    series, ended = _moved(atoms, calculator, settings, cure, place, progress or silent)
    records = [{name: series[name][k] for name in SERIES} for k in range(len(series["times"]))]
    if folder is not None:
        store = STORES[settings.format](folder, head)
        store.create(len(records))
        size = store.append(0, records)
        write_state(folder, {
            **saved, "settings": json.dumps(asdict(settings)), "ended": ended, "final_records": len(records),
            "final_size": size, "finished_steps": settings.steps,
        })  # fmt: skip
    return as_trajectory(head, records, ended)


def _moved(
    atoms: Any,
    calculator: Any,
    settings: DynamicsSettings,
    cure: Cure,
    place: Path | None,
    progress: Progress,
) -> tuple[dict[str, Array], str]:
    """Equilibrate, unless that is done, and run; return the series of the records and what ended the run early."""
    start = atoms.copy()
    if not start.get_momenta().any():
        start.set_momenta(
            thermal_momenta(atoms, settings.temperature, np.random.default_rng([settings.seed, 11]))
        )
    given = start.copy()
    if settings.equilibration and not (place is not None and (place / "input.xml").exists()):
        count = settings.equilibration
        warm = replace(settings, ensemble="nvt", steps=count, sample_every=count, seed=settings.seed + 1)
        rows, ended = _run(start, calculator, warm, cure, silent, None, given)
        if ended:
            return empty(len(atoms)), f"{ended} in the equilibration; no record was made"
        start.positions = rows["positions"][-1]
        momenta = rows["velocities"][-1] / units.fs * start.get_masses()[:, None]
        if settings.ensemble == "nve":
            momenta -= start.get_masses()[:, None] * momenta.sum(axis=0) / start.get_masses().sum()
        start.set_momenta(momenta)
    series, ended = _run(start, calculator, settings, cure, progress, place, given)
    if ended:
        last = (len(series["times"]) - 1) * settings.sample_every * settings.time_step
        ended = f"{ended}; {len(series['times'])} records up to {max(last, 0.0):g} fs are kept"
    return series, ended


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


def _run(
    atoms: Any,
    calculator: Any,
    settings: DynamicsSettings,
    cure: Cure,
    progress: Progress,
    folder: Path | None,
    given: Any,
) -> tuple[dict[str, Array], str]:  # fmt: skip
    """Run i-PI, from its restart file if there is one in ``folder``; return the series of records and what ended it early.

    Bonds and the limit of the temperature are those of the structure as it was ``given``.
    """
    with nullcontext(str(folder)) if folder else tempfile.TemporaryDirectory(prefix="ceilings-ipi-") as name:
        place = Path(name)
        place.mkdir(exist_ok=True)
        address = f"ceilings-{uuid.uuid4().hex[:16]}"
        socket = Path(_SOCKETS.actualunixsocketname(address))
        prepare(place, atoms, settings, cure, address)
        blocks = settings.steps // settings.sample_every
        keep = max(1, _STATE_EVERY // settings.sample_every)
        words = [str(number) for number in (blocks, settings.sample_every, keep, int(cure.kind == "random"))]
        with (place / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, *words],
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
        series = series_of(place / "records.bin", atoms, settings)
        if not ended and len(series["times"]) < blocks + 1:
            ended = f"i-PI stopped ({_last_words(place)})"
    return _sound(series, given, settings, ended)


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


def _last_words(place: Path) -> str:
    lines = [
        line.strip() for line in (place / "log").read_text(errors="replace").splitlines() if line.strip()
    ]
    return lines[-1][:200] if lines else "it said nothing"
