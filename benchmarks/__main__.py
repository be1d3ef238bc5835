"""``python -m benchmarks NAME... --json``: timings as ratios in the same run; ``--list`` names them."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from .harness import Registry


def registry() -> Registry:
    """Return the benchmarks of every module ``*_bench.py`` in this folder."""
    registered: Registry = {}
    for path in sorted(Path(__file__).parent.glob("*_bench.py")):
        benchmarks: Registry = importlib.import_module(f".{path.stem}", __package__).BENCHMARKS
        if twice := registered.keys() & benchmarks.keys():
            raise RuntimeError(f"{path.name} defines {sorted(twice)} a second time")
        registered |= benchmarks
    return registered


def main(arguments: list[str] | None = None) -> int:
    """Run the named benchmarks and print a line for each measurement as it is made."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run, see --list")
    parser.add_argument("--list", action="store_true", help="name the benchmarks and stop")
    parser.add_argument("--json", action="store_true", help="print one JSON object per measurement")
    options = parser.parse_args(arguments)
    known = registry()
    if options.list:
        print("\n".join(known))
        return 0
    unknown = [name for name in options.names if name not in known]
    if unknown or not options.names:
        what = f"benchmark {unknown[0]!r} is unknown" if unknown else "no benchmark is named"
        print(f"{what}: give one or more of {', '.join(known)}", file=sys.stderr)
        return 2
    for name in options.names:
        for line in known[name]():
            if options.json:
                print(json.dumps(line.as_dict()), flush=True)
            else:
                print(
                    f"{line.name} [{line.size}, {line.threads} thread(s)]: "
                    f"ours {line.ours_s:.3g} s, {line.peer} {line.peer_s:.3g} s, ratio {line.ratio:.3g}, "
                    f"peak {line.peak_mb:.0f} MB",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
