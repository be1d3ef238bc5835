"""Time and memory of a diagnosis against the size of its file: python -m benchmarks.structures_scale [STRUCTURES ...].

Writes extended XYZ files of 2,000 and 10,000 structures of 100 atoms (``--atoms``), of three compositions (``--kinds``), with
random forces, and diagnoses 2,000 environments of silicon (``--environments``) in a process of its own, with a small NequIP of
random weights (l = 2, two layers, 8 channels, 4.5 Å). Prints a line for each file: its size, wall time, processor time and peak
of resident memory, and how long the parts took. ``--job`` measures the other commands that read such a file: ``inspect`` and
``check`` of ``ceilings data``, and ``train`` (ten steps).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .structures_bench import write_file

_CEILINGS = "import sys; from spectral_ceilings.cli.app import main; sys.exit(main())"


def backbone() -> object:
    """Return the NequIP of random weights that is diagnosed."""
    from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
    from spectral_ceilings.diagnostic.backbones.nequip_model import (
        NequIPBackbone,
        NequIPSettings,
        build_nequip,
    )

    settings = NequIPSettings(
        type_names=("O", "Si"), l_max=2, r_max=4.5, num_layers=2, num_features=8, avg_num_neighbors=30.0
    )
    info = BackboneInfo("small NequIP", "nequip", trained=False)
    return NequIPBackbone(build_nequip(settings), settings.type_names, settings.r_max, info)


def arguments(job: str, data: Path, out: Path, environments: int) -> list[str]:
    """Return the command line of a job."""
    if job == "diagnose":
        return [
            "diagnose", "--backbone", "benchmarks.structures_scale:backbone", "--trust", "--data", str(data),
            "--select", "element == 'Si'", "--environments", str(environments), "--degrees", "2", "--l-top", "6",
            "--out", str(out),
        ]  # fmt: skip
    if job == "train":
        return [
            "train",
            "--data",
            str(data),
            "--steps",
            "10",
            "--layers",
            "2",
            "--features",
            "8",
            "--out",
            str(out),
        ]
    return ["data", job, str(data)]


def run(command: list[str]) -> tuple[float, float, float]:
    """Run a command; return wall time and processor time (s) and its peak of resident memory (MB)."""
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", _CEILINGS, *command], stdout=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):
        raise SystemExit(f"status {child.returncode} of ceilings {' '.join(command)}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Write the files, and measure one after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("structures", nargs="*", type=int, default=[2_000, 10_000])
    parser.add_argument("--atoms", type=int, default=100)
    parser.add_argument("--kinds", type=int, default=3, help="compositions, 1 to 3")
    parser.add_argument("--environments", type=int, default=2_000)
    parser.add_argument("--job", choices=("diagnose", "inspect", "check", "train"), default="diagnose")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for count in options.structures:
            data, out = Path(folder) / f"{count}.extxyz", Path(folder) / f"run-{count}"
            write_file(data, count, options.atoms, options.kinds)
            wall, processor, memory = run(arguments(options.job, data, out, options.environments))
            size = data.stat().st_size / 1e6
            print(
                f"{options.job}: {count:,} structures of {options.atoms} atoms, {size:.0f} MB: {wall:.1f} s, "
                f"processor {processor:.1f} s, peak {memory:.0f} MB",
                flush=True,
            )
            if options.job == "diagnose":
                result = json.loads((out / "result.json").read_text(encoding="utf-8"))
                (pool,) = result["data"]["environments"]
                print(f"  rows {pool['rows']}, of structures {pool['structures']}")
                parts = (f"{name} {seconds:.1f} s" for name, seconds in result["timings_s"].items())
                print(f"  {', '.join(parts)}", flush=True)
            data.unlink()


if __name__ == "__main__":
    main()
