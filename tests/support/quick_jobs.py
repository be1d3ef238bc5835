"""Commands of a few milliseconds for tests of the sweep engine: without PyTorch, and what they write depends on their options.

``count`` adds numbers up, keeps where it stands in its folder, takes up a run that was killed, and waits for the file of its
option ``gate`` before it ends; ``break`` fails; ``hog`` kills itself as a system without memory would; ``threads`` prints how
many it may use; ``card`` writes down which GPUs it sees, and from when to when, once enough
others have begun (``together``) and ended (``until``).
"""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spectral_ceilings.theory.errors import InputError

OPTIONS = {
    "count": ("number", "steps", "pause", "data", "start", "record", "gate"),
    "break": ("number", "status", "words"),
    "hog": ("number",),
    "threads": (),
    "card": ("number", "device", "record", "crash", "together", "until"),
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
        if job == "card":
            return _card(options)
        if job == "threads":
            print(
                *(
                    os.environ[name]
                    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "SPECTRAL_CEILINGS_CORES")
                )
            )
            return 0
        return _count(options)


def _card(options: Mapping[str, str]) -> int:
    begin, out = time.monotonic(), Path(options["out"])
    crashes = options.get("crash") == options["number"]
    record, begun = Path(options["record"]), Path(f"{options['record']}-{options['number']}-{os.getpid()}")
    begun.touch()
    _wait_for(lambda: len(list(record.parent.glob(f"{record.name}-*"))) >= int(options.get("together", 0)))
    _wait_for(lambda: "until" not in options or len(record.read_text().splitlines()) >= int(options["until"]))
    line = {"number": options["number"], "device": options.get("device", "cpu"), "begin": begin, "end": time.monotonic(),
            "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"), "pid": os.getppid()}  # fmt: skip
    with record.open("a") as stream:
        stream.write(json.dumps(line) + "\n")
    if crashes:
        os.kill(os.getpid(), signal.SIGKILL)
    out.mkdir(exist_ok=True)
    (out / "result.json").write_text(json.dumps({"value": 0}))
    return 0


def _wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 120.0
    while not condition():
        if time.monotonic() > until:
            raise SystemExit("it did not happen")
        time.sleep(0.01)


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
