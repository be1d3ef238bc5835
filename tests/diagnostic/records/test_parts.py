"""A part of a run is computed once, whether it is kept or not is the only difference that a run directory makes."""

from pathlib import Path

import numpy as np

from spectral_ceilings.diagnostic.records.parts import Parts


def test_a_kept_part_is_not_computed_again_and_reads_back_to_the_bit(tmp_path: Path) -> None:
    calls = []

    def compute() -> dict[str, object]:
        calls.append(1)
        return {"power": np.array([0.1, 1 / 3]), "pair": (1, None)}

    first = Parts.open(tmp_path / "run", {"seed": 0}, resume=False)
    part = first.get("power/atom=1", compute)
    assert part == {"power": [0.1, 1 / 3], "pair": [1, None]}
    assert list(first.timings) == ["power/atom=1"]
    again = Parts.open(tmp_path / "run", {"seed": 0}, resume=True)
    assert again.get("power/atom=1", compute) == part
    assert len(calls) == 1
    assert again.timings == {}  # nothing was computed in this run


def test_without_a_directory_a_part_has_the_same_values() -> None:
    assert Parts.open(None, {}, resume=False).get("a", lambda: {"x": np.float32(0.5)}) == {"x": 0.5}
