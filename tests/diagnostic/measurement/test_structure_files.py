"""The files of a result's structures hold its numbers, and other programs read them back to the last digit."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic import Diagnosis
from spectral_ceilings.diagnostic.measurement.structure_files import (
    environments_csv,
    extxyz,
    structure_files,
    write_structure_files,
)
from spectral_ceilings.diagnostic.measurement.structure_values import (
    REASONS,
    shown_structures,
)
from spectral_ceilings.diagnostic.records.plain import plain
from spectral_ceilings.diagnostic.recovery.error_sums import ErrorSums
from spectral_ceilings.theory.errors import InputError

from pooled_result import kept, pooled_result
from synthetic_result import synthetic_result

finite = st.floats(-1e3, 1e3).map(lambda x: x + 0.0)


@pytest.fixture(scope="module")
def pooled() -> dict[str, Any]:
    made: dict[str, Any] = plain(pooled_result(), "result")
    return made


def of_ethanol() -> dict[str, Any]:
    """A result of a molecule that keeps its geometry; two of its atoms were measured, one of them is low."""
    result = synthetic_result()
    ethanol = molecule("CH3CH2OH")
    result["data"]["numbers"] = ethanol.numbers.tolist()
    result["structures"] = [kept(ethanol, role="reference")]
    measured = {"molecule", "atom:0", "atom:1"}
    result["recovery"] = [row for row in result["recovery"] if row["scope"] in measured]
    result["atoms"] = [result["atoms"][i] for i in (0, 1, 17)]
    result["atoms"][1] |= {"low": True, "causes": [{"cause": "like neighbour", "share": 0.8}]}
    result["atoms"][2] |= {"index": 2}
    return result


@settings(max_examples=60, deadline=None)
@given(
    places=st.lists(st.tuples(finite, finite, finite), min_size=1, max_size=5),
    cell=st.none() | st.lists(finite, min_size=9, max_size=9),
    values=st.lists(st.floats(allow_infinity=False) | st.just(float("nan")), min_size=5, max_size=5),
    said=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.just(" "), max_size=12),
    pbc=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_extended_xyz_reads_back_exactly(
    places: list[tuple[float, float, float]],
    cell: list[float] | None,
    values: list[float],
    said: str,
    pbc: tuple[bool, bool, bool],
) -> None:
    given_cell = None if cell is None or not any(cell) else np.array(cell).reshape(3, 3)
    atoms = Atoms("C" * len(places), places, cell=given_cell, pbc=pbc if given_cell is not None else False)
    arrays = {
        "r2_l4": np.array(values[: len(places)]),
        "ceiling": np.arange(len(places)) - 1,
        "reason": np.array(["like_neighbour"] * len(places)),
    }
    text = extxyz(atoms, arrays, {"said": f"words {said}", "structure": 3})
    again = ase.io.read(io.StringIO(text), format="extxyz")
    assert np.array_equal(again.positions, atoms.positions)
    assert np.array_equal(again.cell.array, atoms.cell.array)
    assert np.array_equal(again.pbc, atoms.pbc)
    assert np.array_equal(again.numbers, atoms.numbers)
    assert np.array_equal(again.arrays["r2_l4"], arrays["r2_l4"], equal_nan=True)
    assert np.array_equal(again.arrays["ceiling"], arrays["ceiling"])
    assert again.arrays["reason"].tolist() == arrays["reason"].tolist()
    assert again.info["structure"] == 3
    assert str(again.info["said"]).strip() == f"words {said}".strip()


def test_a_molecule_carries_the_rows_of_its_atoms(tmp_path: Path) -> None:
    result = of_ethanol()
    write_structure_files(result, tmp_path)
    again = ase.io.read(tmp_path / "atoms.extxyz", index=":")
    assert len(again) == 1
    (atoms,) = again
    reference = molecule("CH3CH2OH")
    assert np.array_equal(atoms.positions, reference.positions)
    for row in result["recovery"]:
        if row["scope"] in ("atom:0", "atom:1"):
            assert atoms.arrays[f"r2_l{row['l']}"][int(row["scope"][-1])] == row["r2"]
    assert np.isnan(atoms.arrays["r2_l4"][2:]).all()
    assert (atoms.arrays["ceiling"] == 4).all()
    assert atoms.arrays["recovered_up_to"].tolist() == [4, 4] + [-1] * 7
    said = ["not_low", "like_neighbour", "no_mark"] + ["not_measured"] * 6
    assert atoms.arrays["reason"].tolist() == said
    assert [REASONS[code] for code in atoms.arrays["reason_code"]] == said
    legend = dict(part.split(" ") for part in atoms.info["reasons"].split(", "))
    assert [legend[str(code)] for code in atoms.arrays["reason_code"]] == said


def test_the_table_of_a_molecule_has_a_line_for_each_atom() -> None:
    lines = list(csv.DictReader(io.StringIO(environments_csv(of_ethanol()))))
    assert [line["element"] for line in lines] == list(molecule("CH3CH2OH").symbols)
    assert lines[1]["pool"] == "atom:1"
    assert lines[1]["structure"] == ""
    assert float(lines[1]["r2_l4"]) == next(
        row["r2"] for row in of_ethanol()["recovery"] if row["scope"] == "atom:1" and row["l"] == 4
    )
    assert lines[5]["r2_l4"] == ""


def test_pooled_values_stand_at_their_atoms(pooled: dict[str, Any], tmp_path: Path) -> None:
    write_structure_files(pooled, tmp_path)
    frames = ase.io.read(tmp_path / "atoms.extxyz", index=":")
    columns = pooled["environments"]
    assert [atoms.info["structure"] for atoms in frames] == list(range(6))
    measured = {(s, i): k for k, (s, i) in enumerate(zip(columns["structure"], columns["atom"], strict=True))}
    for s, atoms in enumerate(frames):
        for i in range(len(atoms)):
            value = atoms.arrays["r2_l4"][i]
            if (s, i) in measured:
                assert value == columns["r2"][4][measured[s, i]]
            else:
                assert np.isnan(value)
    low = [entry["element"] for entry in pooled["atoms"] if entry["low"]]
    assert low
    for atoms in frames:
        for i, symbol in enumerate(atoms.symbols):
            if not np.isnan(atoms.arrays["r2_l4"][i]):
                assert atoms.arrays["reason"][i] == ("features" if symbol in low else "not_low")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "environments.csv").read_text())))
    assert [float(line["r2_l4"]) for line in lines] == columns["r2"][4]
    assert [line["pool"] for line in lines] == columns["pool"]


def test_an_atom_that_is_two_environments_has_their_mean(pooled: dict[str, Any]) -> None:
    twice = json.loads(json.dumps(pooled))
    columns = twice["environments"]
    for name in ("structure", "atom", "element", "pool"):
        columns[name].append(columns[name][0])
    for row in columns["r2"]:
        row.append(row[0] - 0.5)
    value = shown_structures(twice)[0].values.r2[0]
    assert value == pytest.approx(np.array([row[0] - 0.25 for row in columns["r2"]]), abs=1e-15)


def test_the_mean_over_environments_is_the_r2_of_their_pool() -> None:
    rng = np.random.default_rng(3)
    injected, missed = rng.random(30) + 0.1, rng.random(30)
    count = np.full(30, 4.0)
    nothing = np.zeros(30)
    sums = ErrorSums(injected, missed, nothing, nothing, nothing, nothing, count)
    r2 = sums.r2()
    assert r2.mean() == pytest.approx(1.0 - missed.sum() / injected.sum(), rel=1e-13)  # thirty roundings
    assert np.argmin(r2) == np.argmax(missed)
    assert not ErrorSums(nothing, missed, nothing, nothing, nothing, nothing, count).r2().any()
    clusters = sums.by_cluster(np.arange(30) % 7, 7)
    assert clusters.each is not None
    assert np.allclose(clusters.each, r2, rtol=2**-23, atol=0)  # single precision
    data, arrays = clusters.to_saved()
    again = ErrorSums.from_saved(json.loads(json.dumps(data)), arrays)
    assert again.each is not None
    assert np.array_equal(again.each, clusters.each)


def test_chemiscope_opens_its_file(pooled: dict[str, Any]) -> None:
    chemiscope = pytest.importorskip("chemiscope")
    for result in (pooled, of_ethanol()):
        content = structure_files(result)["chemiscope.json.gz"]
        assert content == structure_files(result)["chemiscope.json.gz"]
        data = json.loads(gzip.decompress(content))
        shown = shown_structures(result)
        measured = [(s, int(i)) for s, of in enumerate(shown) for i in np.flatnonzero(of.values.measured)]
        assert [(place["structure"], place["center"]) for place in data["environments"]] == measured
        assert [entry["size"] for entry in data["structures"]] == [len(of.atoms) for of in shown]
        at_ceiling = [shown[s].values.r2[i, 4] for s, i in measured]
        assert data["properties"]["r2_l4"]["values"] == at_ceiling
        assert data["properties"]["element"]["values"] == [shown[s].atoms.symbols[i] for s, i in measured]
        assert {entry["target"] for entry in data["properties"].values()} == {"atom"}
        named = {axis["property"] for name, axis in data["settings"]["map"].items() if name != "symbol"}
        assert named <= set(data["properties"])
        # chemiscope's own reader makes what it was given again: its schema is met.
        again = chemiscope.create_input(
            structures=data["structures"],
            metadata=data["meta"],
            properties=data["properties"],
            environments=[tuple(place.values()) for place in data["environments"]],
            settings=data["settings"],
        )
        assert again == data


def test_without_chemiscope_and_without_geometries_those_files_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert set(structure_files(of_ethanol())) == {"atoms.extxyz", "environments.csv"}
    assert set(structure_files(synthetic_result())) == {"environments.csv"}


def test_save_writes_them_beside_the_result_and_destroys_nothing(
    pooled: dict[str, Any], tmp_path: Path
) -> None:
    result = Diagnosis(pooled)
    result.save(tmp_path / "alone.json")
    assert [path.name for path in tmp_path.iterdir()] == ["alone.json"]
    folder = tmp_path / "run"
    result.save(folder)
    files = structure_files(pooled)
    assert {path.name for path in folder.iterdir()} == {"result.json", *files}
    assert all((folder / name).read_bytes() == content for name, content in files.items())
    Diagnosis.load(folder).save(folder)
    (folder / "environments.csv").write_text("mine")
    with pytest.raises(InputError, match=r"environments\.csv' holds something else"):
        result.save(folder)
    assert (folder / "environments.csv").read_text() == "mine"
    result.save(folder, overwrite=True)
    assert (folder / "environments.csv").read_bytes() == files["environments.csv"]
