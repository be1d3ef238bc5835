"""What an advice costs: python -m benchmarks.advice_cost [--data aspirin-xtb] [--backbone MODEL] [--frames 250,500,1000] ...

Each setting runs in a process of its own, one after the other. Printed for each: structures, L, channels, columns of the fits,
wall time, processor time, and the largest memory, with reading, model and gradients included. Defaults: 1,000 frames and half and
a quarter of them at L = 2 with 8 channels, then other channels, then other L.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any


def once(data: str, backbone: str | None, frames: int, l_max: int, channels: int) -> dict[str, Any]:
    """Run one advice in this process."""
    started = time.perf_counter()
    from spectral_ceilings.diagnostic import AdviceSettings, advise_data, load_backbone, read_data

    settings = AdviceSettings(structures=frames, l_max=l_max, channels=channels)
    model = None if backbone is None else load_backbone(backbone)
    result = advise_data(read_data(data), model, settings)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "structures": result["data"]["structures"], "l_max": l_max, "channels": result["basis"]["channels"],
        "columns": result["basis"]["columns"], "wall_s": time.perf_counter() - started,
        "processor_s": usage.ru_utime + usage.ru_stime, "memory_MiB": usage.ru_maxrss / 1024,
    }  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="aspirin-xtb")
    parser.add_argument("--backbone")
    parser.add_argument("--frames", default="250,500,1000")
    parser.add_argument("--channels", default="4,6")
    parser.add_argument("--l-max", default="1,3")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        print(json.dumps(once(given.data, given.backbone, *json.loads(given.one))))
        return
    counts = [int(text) for text in given.frames.split(",")]
    cells = [(frames, 2, 8) for frames in counts]
    cells += [(counts[-1], 2, int(text)) for text in given.channels.split(",") if text]
    cells += [(counts[-1], int(text), 8) for text in given.l_max.split(",") if text]
    print(
        f"{'structures':>10s}{'L':>4s}{'channels':>10s}{'columns':>9s}{'wall s':>9s}{'processor s':>13s}{'MiB':>8s}"
    )
    for cell in cells:
        command = [
            sys.executable,
            "-m",
            "benchmarks.advice_cost",
            "--data",
            given.data,
            "--one",
            json.dumps(cell),
        ]
        if given.backbone is not None:
            command += ["--backbone", given.backbone]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        row = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{row['structures']:10d}{row['l_max']:4d}{row['channels']:10d}{row['columns']:9d}{row['wall_s']:9.1f}"
            f"{row['processor_s']:13.1f}{row['memory_MiB']:8.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
