"""What modules on the scalar pathway cost: python -m benchmarks.scalar_pathway_cost [--architecture nequip,allegro].

Energy and forces of one frame, plain and modified in turn in the same process; the ratio of the medians, and the ratio of the
counted FLOPs and elementwise operations. Run it for mace with the python of MACE's environment. Threads: as OMP_NUM_THREADS says.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

from spectral_ceilings.diagnostic.backbones.architecture import architecture
from spectral_ceilings.diagnostic.backbones.backbone import BackboneInfo
from spectral_ceilings.diagnostic.backbones.scalar_pathway import PATHWAYS
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading_any import read_data
from spectral_ceilings.diagnostic.training.cost import operations

from .harness import seconds

#: Name of a variant -> its settings.
VARIANTS: dict[str, dict[str, Any]] = {
    **{name: {"scalar_pathway": (name,)} for name in PATHWAYS},
    "all": {"scalar_pathway": PATHWAYS},
    "control": {"scalar_pathway": PATHWAYS, "scalar_pathway_control": True},
}


def evaluation(
    kind: str, frames: Frames, l_max: int, features: int, more: dict[str, Any]
) -> Callable[[], object]:
    """Return what evaluates energy and forces of the frames with an untrained network."""
    extra = {"correlation": (2,)} if kind == "mace" else {}
    made = architecture(kind)
    settings = made.settings(
        type_names=("H", "C", "O"), l_max=l_max, num_layers=2, num_features=features, avg_num_neighbors=15.0, **extra, **more
    )  # fmt: skip
    info = BackboneInfo("a benchmark", kind, trained=False, builder=settings.to_dict())
    backbone: Any = made.wrap(made.build(settings, "float64"), settings, info)
    return lambda: backbone.respond(frames, [], forces=True)


def row(kind: str, frames: Frames, l_max: int, features: int, name: str, runs: int) -> list[str]:
    """Measure one variant against the plain network."""
    plain = evaluation(kind, frames, l_max, features, {})
    changed = evaluation(kind, frames, l_max, features, VARIANTS[name])
    for work in (plain, changed, plain, changed):  # compiled parts take their time in the first calls
        work()
    times = [(seconds(plain), seconds(changed)) for _ in range(runs)]
    ratios = sorted(after / before for before, after in times)
    counts = [operations(work) for work in (plain, changed)]
    middle = [statistics.median(pair[k] for pair in times) for k in range(2)]
    return [
        kind, name, f"{1e3 * middle[0]:.1f}", f"{1e3 * middle[1]:.1f}", f"{middle[1] / middle[0]:.2f}",
        f"{ratios[runs // 4]:.2f} to {ratios[-1 - runs // 4]:.2f}",
        f"{counts[1]['flops'] / counts[0]['flops']:.3f}",
        f"{counts[1]['elementwise_operations'] / counts[0]['elementwise_operations']:.3f}",
    ]  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architecture", default="nequip,allegro")
    parser.add_argument("--l-max", type=int, default=2)
    parser.add_argument("--features", type=int, default=32)
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--runs", type=int, default=9)
    given = parser.parse_args()
    frames = read_data("aspirin-xtb")
    assert isinstance(frames, Frames)
    frames = frames.select(range(given.frames))
    head = ["model", "modules", "plain ms", "with ms", "ratio", "quartiles", "FLOPs", "elementwise"]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for kind in given.architecture.split(","):
        for name in VARIANTS:
            print(
                "| " + " | ".join(row(kind, frames, given.l_max, given.features, name, given.runs)) + " |",
                flush=True,
            )


if __name__ == "__main__":
    main()
