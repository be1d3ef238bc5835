"""Commands of a few milliseconds for tests of the sweep engine: without PyTorch, and what they write depends on their options.

``count`` adds numbers up, keeps where it stands in its folder, takes up a run that was killed, and waits for the file of its
option ``gate`` before it ends; ``break`` fails; ``hog`` kills itself as a system without memory would; ``threads`` prints how
many it may use.
"""

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spectral_ceilings.theory.errors import InputError

OPTIONS = {
    "count": ("number", "steps", "pause", "data", "start", "record", "gate"),
    "break": ("number", "status", "words"),
    "hog": ("number",),
    "threads": (),
}


class QuickJobs:
    """The jobs of this module, as a sweep asks for them."""

    def names(self) -> tuple[str, ...]:
        return tuple(OPTIONS)

    def options(self, job: str) -> tuple[str, ...]:
        return OPTIONS[job]

    def files(self, job: str) -> tuple[str, ...]:
        return ("data", "start") if job == "count" else ()

    def arguments(self, job: str, options: Mapping[str, Any]) -> list[str]:
        for name in options:
            if name not in OPTIONS[job]:
                raise InputError(f"{job!r} has no option {name!r}")
        return [part for name, value in options.items() for part in (f"--{name}", str(value))]

    def settings(self, job: str, arguments: Sequence[str]) -> dict[str, Any]:
        return _read(arguments)

    def resumable(self, job: str, arguments: Sequence[str]) -> bool:
        return job == "count"

    def preload(self, jobs: Sequence[str]) -> None:
        pass

    def run(self, arguments: Sequence[str]) -> int:
        job, options = arguments[0], _read(arguments[1:])
        if job == "hog":
            os.kill(os.getpid(), signal.SIGKILL)
        if job == "break":
            print(options.get("words", "error: broken on purpose"))
            return int(options.get("status", 2))
        if job == "threads":
            print(
                *(
                    os.environ[name]
                    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "SPECTRAL_CEILINGS_CORES")
                )
            )
            return 0
        return _count(options)


def _read(arguments: Sequence[str]) -> dict[str, Any]:
    given = [part for part in arguments if part != "--resume"]
    return dict(zip((name.removeprefix("--") for name in given[::2]), given[1::2], strict=True))


def _count(options: Mapping[str, str]) -> int:
    out = Path(options["out"])
    out.mkdir(exist_ok=True)
    steps, number = int(options.get("steps", 5)), int(options.get("number", 0))
    kept = out / "progress.json"
    step, value = json.loads(kept.read_text()) if kept.exists() else (0, number)
    if "start" in options:
        value += json.loads((Path(options["start"]) / "result.json").read_text())["value"] * (step == 0)
    while step < steps:
        time.sleep(float(options.get("pause", 0.0)))
        step, value = step + 1, (value * 1103515245 + 12345 + step) % 2**31
        part = out / "progress.part"
        part.write_text(json.dumps([step, value]))
        part.replace(kept)
        print(f"step {step}")
    while "gate" in options and not Path(options["gate"]).exists():
        time.sleep(0.05)
    kept.unlink()
    (out / "result.json").write_text(json.dumps({"value": value}))
    if "record" in options:  # one line for each time that it is finished
        with open(options["record"], "a") as stream:
            stream.write(f"{number}\n")
    return 0
