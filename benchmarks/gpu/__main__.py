"""``python -m benchmarks.gpu``: check a GPU against the CPU and time both; see ``benchmarks/gpu.sh``, which sets it up."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .diagnosis import PROFILE
from .targets import targets

#: Seconds of six minutes that each step may take, in order of importance; the first to be cut short is the last.
BUDGETS = {"gram": 30.0, "diagnosis": 110.0, "mace": 50.0, "sevennet": 50.0, "audit": 50.0, "profile": 40.0}
#: The same for --small, where both runs of the diagnosis are on slow cores.
SMALL = {"gram": 40.0, "diagnosis": 140.0, "mace": 45.0, "sevennet": 45.0, "audit": 45.0, "profile": 40.0}
#: Seconds kept for writing the table.
_AT_THE_END = 2.0
_COLUMNS = (
    "step",
    "what",
    "size",
    "device s",
    "CPU s",
    "ratio",
    "target",
    "agrees",
    "shift",
    "allowed",
    "GPU MB",
    "RSS MB",
    "note",
)


@dataclass
class Bench:
    """A run of the benchmark: what was measured, and what failed."""

    device: str
    small: bool
    out: Path
    until: float
    mace_python: str | None
    rows: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def child(
        self, step: str, device: str, seconds: float, python: str = sys.executable
    ) -> list[dict[str, Any]]:
        """Run a step in a process of its own, stopped at its time; return the rows that it gave."""
        seconds = min(seconds, self.until - time.monotonic() - _AT_THE_END)
        if seconds < 5.0:
            self.failures.append(f"{step}: no time left")
            return []
        command = [python, "-m", "benchmarks.gpu.step", step, "--device", device, "--out", str(self.out),
                   "--seconds", str(seconds), "--since", str(time.time()), *(["--small"] if self.small else [])]  # fmt: skip
        log = self.out / f"{step}-{device.replace(':', '')}.log"
        why = ""
        with tempfile.TemporaryFile("w+") as given, log.open("w") as said:
            try:
                done = subprocess.run(command, stdout=given, stderr=said, timeout=seconds, check=False)
                why = "" if done.returncode == 0 else f"exit status {done.returncode}"
            except subprocess.TimeoutExpired:
                why = f"stopped after {seconds:.0f} s"
            given.seek(0)
            rows = [
                json.loads(line) for line in given if line.startswith("{") and line.rstrip().endswith("}")
            ]
        if why:
            last = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
            self.failures.append(
                f"{step} on {device}: {why}{'; ' + last[-1][:200] if last else ''} ({log.name})"
            )
            print(f"FAILED  {self.failures[-1]}", flush=True)
        return rows

    def take(self, rows: Sequence[dict[str, Any]]) -> None:
        """Keep rows and print them at once."""
        for row in rows:
            self.rows.append(row)
            print(" | ".join(_cells(row)), flush=True)
        self.write()

    def write(self) -> None:
        """Write what there is so far."""
        content = {"device": self.device, "small": self.small, "rows": self.rows, "failures": self.failures}
        (self.out / "gpu.json").write_text(json.dumps(content, indent=1), encoding="utf-8")

    def diagnosis(self, seconds: float) -> None:
        """Diagnose on the device and on the CPU, each in its own process, and compare the two."""
        from .diagnosis import compared
        from .run import Run

        names = ("device", "cpu")
        folders = (self.out / f"diagnosis-{self.device.split(':')[0]}", self.out / "diagnosis-cpu")
        until, got = time.monotonic() + seconds, {}
        for name, device in zip(names, (self.device, "cpu"), strict=True):
            folder = self.out / f"diagnosis-{device.split(':')[0]}"
            shutil.rmtree(folder, ignore_errors=True)
            rows = self.child("diagnosis", device, until - time.monotonic())
            if not rows:
                return
            got[name] = rows[-1]
            if device == "cpu" and name == "device":  # both would write to the same place
                folders = (self.out / "diagnosis-first", folders[1])
                shutil.rmtree(folders[0], ignore_errors=True)
                folder.rename(folders[0])
        run = Run("diagnosis", "cpu", self.small, self.out, self.until)
        compared(run, got, folders)
        self.take([row.as_dict() for row in run.rows])

    def run(self, budgets: dict[str, float]) -> None:
        """Run every step within its time."""
        for step, seconds in budgets.items():
            if step == "diagnosis":
                self.diagnosis(seconds)
            elif step == "sevennet" and find_spec("sevenn") is None:
                print("sevennet: left out, the package sevenn is not installed", flush=True)
            elif step == "mace" and self.mace_python is None:
                print(
                    "mace: left out, no environment with mace-torch (MACE_PYTHON or .venv-mace)", flush=True
                )
            else:
                self.take(
                    self.child(
                        step,
                        self.device,
                        seconds,
                        (self.mace_python or "") if step == "mace" else sys.executable,
                    )
                )
            if step == "profile" and (self.out / PROFILE).exists():
                print((self.out / PROFILE).read_text(encoding="utf-8"), flush=True)

    @property
    def status(self) -> int:
        """1 where a check failed or a step broke; a target that is missed is none."""
        return int(bool(self.failures) or any(row["agrees"] is False for row in self.rows))


def _cells(row: dict[str, Any]) -> list[str]:
    def number(value: Any, form: str) -> str:
        return "" if value is None else format(value, form)

    met = {True: "met: ", False: "not met: ", None: ""}[row["met"]]
    agrees = {True: "yes", False: "NO", None: ""}[row["agrees"]]
    return [
        row["step"], row["what"], row["size"], number(row["device_s"], ".3g"), number(row["cpu_s"], ".3g"),
        number(row["ratio"], ".3g"), met + row["target"] if row["target"] else "", agrees, number(row["shift"], ".1e"),
        number(row["allowed"], ".1e"), number(row["device_mb"], ".0f"), number(row["rss_mb"], ".0f"), row["note"],
    ]  # fmt: skip


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a table of Markdown."""
    lines = [_COLUMNS, ["---"] * len(_COLUMNS), *(_cells(row) for row in rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _mace_python() -> str | None:
    """Return the interpreter of an environment with mace-torch: MACE_PYTHON, or .venv-mace here where nothing is said."""
    given = os.environ.get("MACE_PYTHON", ".venv-mace/bin/python")
    return given if given and shutil.which(given) else None


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark, print a table, write ``gpu.json`` and ``gpu.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"))
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--steps", default=",".join(BUDGETS), help="steps to run")
    given = parser.parse_args(arguments)
    wanted = given.steps.split(",")
    if wrong := [name for name in wanted if name not in BUDGETS]:
        print(f"step {wrong[0]!r} is unknown: give some of {', '.join(BUDGETS)}", file=sys.stderr)
        return 2
    given.out.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        given.device, given.small, given.out, time.monotonic() + 60.0 * given.minutes, _mace_python()
    )
    budgets = SMALL if given.small else BUDGETS
    print(" | ".join(_COLUMNS), flush=True)
    # A step's time is its share of all: six minutes on a card, more where somebody has more.
    bench.run({name: budgets[name] * given.minutes / 6.0 for name in budgets if name in wanted})
    bench.write()
    text = table(bench.rows)
    (given.out / "gpu.md").write_text(text + "\n", encoding="utf-8")
    print(f"\n{text}\n")
    print(targets(bench.rows))
    for line in bench.failures:
        print(f"FAILED  {line}")
    print(
        "every check agrees"
        if bench.status == 0
        else "a check failed: see NO in the column 'agrees', and FAILED"
    )
    return bench.status


if __name__ == "__main__":
    sys.exit(main())
