"""One step of the GPU benchmark in a process of its own: ``python -m benchmarks.gpu.step STEP --device cuda --out DIR``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch

from . import algebra, diagnosis, models
from .run import Run

STEPS = {
    "gram": algebra.gram,
    "sevennet": models.sevennet,
    "mace": models.mace,
    "audit": models.audit,
    "profile": diagnosis.profile,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one step; its rows go to the standard output, one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=[*STEPS, "diagnosis"])
    parser.add_argument("--device", required=True)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--since", type=float, default=time.time())
    given = parser.parse_args(arguments)
    torch.backends.cuda.matmul.allow_tf32 = False
    run = Run(given.step, given.device, given.small, given.out, time.monotonic() + given.seconds)
    if given.step == "diagnosis":
        diagnosis.diagnosed(run, given.since)
    else:
        STEPS[given.step](run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
