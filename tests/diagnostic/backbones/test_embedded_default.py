"""What the main job must show on the embedded default, with every atom and frame: the numbers the project stands for."""

from typing import Any

import pytest

from spectral_ceilings.diagnostic import DiagnoseSettings, diagnose, load_backbone, read_frames

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")

CEILINGS = {1: 2, 2: 4, 3: 6}


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    settings = DiagnoseSettings(injections=("marked",), controls=False)
    return diagnose(read_frames("aspirin-xtb"), load_backbone(), settings)


def rows(result: dict[str, Any], readout: str, degree: int) -> dict[int, dict[str, Any]]:
    wanted = {"readout": readout, "degree": degree, "scope": "molecule", "injection": "marked"}
    return {row["l"]: row for row in result["recovery"] if all(row[k] == v for k, v in wanted.items())}


def test_every_atom_has_a_distinguishable_heavy_neighbour(result) -> None:
    assert len(result["atoms"]) == 21
    numbers = result["data"]["numbers"]
    assert all(numbers[atom["marked_neighbour"]] > 1 for atom in result["atoms"])


def test_the_quadratic_free_readout_falls_between_4_and_5(result) -> None:
    free = rows(result, "free", 2)
    assert free[4]["r2"] >= 0.85
    assert free[4]["r2_low"] > 0.5
    for l in range(5, 9):
        assert abs(free[l]["r2"]) <= 0.01
        assert free[l]["r2_low"] <= 0.0 or free[l]["r2_high"] <= 0.0


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_the_cliff_stands_at_the_ceiling_of_each_degree(result, degree: int) -> None:
    for l, row in rows(result, "free", degree).items():
        expected = "recovered" if l <= CEILINGS[degree] else "not recovered"
        assert row["verdict"] == expected, l
    assert result["verdict"]["held"]


def test_the_equivariant_readout_stands_beside_it(result) -> None:
    equivariant = rows(result, "equivariant", 2)
    assert equivariant[4]["r2"] >= 0.85
    assert [equivariant[l]["verdict"] for l in range(5, 9)] == ["no path"] * 4


def test_the_force_error_of_the_backbone_is_the_one_in_its_record(result) -> None:
    """The residual on the held-out frames, measured here in float64, against the training record's float32 figure."""
    record = result["model"]["training"]
    assert result["model"]["force_mae_eV_A"] == record["held_out_force_mae_eV_A"] < 0.085
    assert record["data"]["sha256"] == result["data"]["sha256"]
