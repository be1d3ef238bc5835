"""Diagnoses of crystals and mixed sets: the cliff by element, and what must not change it."""

from __future__ import annotations

import csv
import html
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spectral_ceilings.diagnostic.diagnosis import diagnose
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.motions import supercell, turned
from spectral_ceilings.diagnostic.frames.splits import split_frames
from spectral_ceilings.diagnostic.frames.structures import StructuresInMemory
from spectral_ceilings.diagnostic.measurement.checking import check
from spectral_ceilings.diagnostic.measurement.result import select, validate
from spectral_ceilings.diagnostic.measurement.saved_errors import intervals
from spectral_ceilings.diagnostic.measurement.settings import DiagnoseSettings
from spectral_ceilings.numerics.rotations import haar_rotations
from spectral_ceilings.theory.errors import InputError
from tests.support.environment_sets import (
    density_backbone,
    ethanol,
    lithium_fluoride,
    mixed,
    rattled,
    silicon,
)

SETTINGS = DiagnoseSettings(
    degrees=(1, 2), l_top=6, environments=1000, bootstrap=100, controls=False, coefficients=800
)


def heights(result: Any, scope: str, readout: str = "free", degree: int = 2) -> list[float | None]:
    rows = select(
        result["recovery"],
        scope=scope,
        readout=readout,
        degree=degree,
        injection="density",
        direction="fixed",
    )
    return [row["r2"] for row in rows]


@pytest.fixture(scope="module")
def mix(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """Silicon, ethanol and LiF in one file."""
    out = tmp_path_factory.mktemp("run") / "mix"
    structures = mixed(
        rattled(silicon(), 40, 0.08),
        rattled(ethanol(), 150, 0.06, 2),
        rattled(lithium_fluoride(), 40, 0.08, 3),
    )
    return diagnose(structures, density_backbone(12), replace(SETTINGS, controls=True), out=out), out


def test_the_cliff_stands_at_dL_for_every_element_of_a_mixed_set(mix: tuple[Any, Path]) -> None:
    result, out = mix
    validate(result)
    scopes = [entry["scope"] for entry in result["data"]["environments"]]
    assert scopes == [f"element:{symbol}" for symbol in ("H", "Li", "C", "O", "F", "Si")]
    for scope in scopes:
        for degree in (1, 2):
            free, equivariant = (
                heights(result, scope, degree=degree),
                heights(result, scope, "equivariant", degree),
            )
            assert min(free[1 : 2 * degree + 1]) > 0.05, (scope, degree, free)  # type: ignore[type-var]
            # what a fit without anything to find gives on held-out rows: below zero, by its coefficients over rows
            assert max(free[2 * degree + 1 :]) < 0.02, (scope, degree, free)  # type: ignore[type-var]
            assert equivariant[2 * degree + 1 :] == [None] * (6 - 2 * degree)
            below = zip(free[1 : 2 * degree + 1], equivariant[1 : 2 * degree + 1], strict=True)
            # all channels see at least what a few of them see, but for the noise of 300 held-out rows
            assert all(few < every + 0.05 for few, every in below)  # type: ignore[operator]
    assert result["verdict"]["outcome"] != "contradicted"
    assert "Si" in result["verdict"]["sentence"]
    assert "environments" in (out / "report.html").read_text(encoding="utf-8")


def test_rows_can_be_computed_again_from_what_the_run_kept(mix: tuple[Any, Path]) -> None:
    result, out = mix
    again = intervals(out)
    assert again["recovery"] == result["recovery"]
    for k, control in enumerate(result["controls"]):
        assert again.get(f"controls[{k}].rows", []) == control["rows"]


def test_marked_is_measured_where_most_environments_have_a_mark(mix: tuple[Any, Path]) -> None:
    result, _ = mix
    marked = {entry["element"]: entry["marked"] for entry in result["data"]["environments"]}
    assert {symbol for symbol, count in marked.items() if count} == {"H", "C", "O"}
    rows = select(result["recovery"], injection="marked", readout="equivariant", degree=2, l=4)
    assert {row["scope"] for row in rows} == {"molecule", "element:H", "element:C", "element:O"}
    assert min(row["r2"] for row in rows if row["r2"] is not None) > 0.9


def test_low_elements_of_crystals_are_told_that_their_sites_are_nearly_symmetric(
    mix: tuple[Any, Path],
) -> None:
    result, _ = mix
    low = {atom["element"]: atom for atom in result["atoms"] if atom["low"]}
    assert {"Si", "C"} <= set(low)
    for symbol, atom in low.items():
        of_features = any(cause["cause"] == "features" for cause in atom["causes"])
        said = "at nearly symmetric sites the neighbours within 5 Å" in atom["reason"]
        assert said == (of_features and symbol in ("Si", "Li", "F"))


def test_rotating_every_structure_and_reordering_atoms_changes_nothing() -> None:
    frames = rattled(lithium_fluoride(1), 40, 0.1)
    rng = np.random.default_rng(5)
    rotated = turned(frames, haar_rotations(len(frames), rng))
    order = rng.permutation(len(frames.numbers))
    shuffled = replace(
        frames,
        numbers=frames.numbers[order],
        positions=frames.positions[:, order],
        forces=frames.forces[:, order],
    )
    # every atom of every structure, so that the same environments are drawn whatever their order is
    settings = replace(SETTINGS, coefficients=200, environments=40 * 4)
    results = [
        diagnose(StructuresInMemory.of(f), density_backbone(6), settings) for f in (frames, rotated, shuffled)
    ]
    first = heights(results[0], "molecule")
    for other in results[1:]:
        assert other["verdict"]["outcome"] == results[0]["verdict"]["outcome"]
        # other orientations are drawn for the same environments: two fits differ by their noise on 48 rows of 5 uses
        assert np.abs(np.array(heights(other, "molecule"), float) - np.array(first, float)).max() < 0.25


def test_a_supercell_has_the_features_and_signals_of_its_cell() -> None:
    from spectral_ceilings.diagnostic.backbones.features import Layer
    from spectral_ceilings.diagnostic.frames.environments import environments_of, members_of
    from spectral_ceilings.diagnostic.measurement.environment_sample import EnvironmentSample

    frames = rattled(lithium_fluoride(1), 40, 0.1)
    backbone = density_backbone(4)
    layer = backbone.choose_layer()
    samples = []
    for of_frames in (frames, supercell(frames, (2, 2, 2))):
        structures = StructuresInMemory.of(of_frames)
        pools = members_of(structures, lambda _, numbers: np.arange(len(numbers)) < 8)
        drawn, units, _ = environments_of(structures, pools, 10_000, 0)
        samples.append(EnvironmentSample(structures, drawn, units, cutoff=backbone.cutoff))
    small, large = samples
    assert isinstance(layer, Layer)
    assert small.split.counts() == large.split.counts()
    for one, other in zip(small.blocks(backbone, layer), large.blocks(backbone, layer), strict=True):
        # sums of some hundred terms, each rounded to 1e-16 of itself, and coordinates to 1e-15
        assert np.abs(one.values - other.values).max() < 1e-12 * np.abs(one.values).max()
    assert small.cutoffs == pytest.approx(large.cutoffs, rel=1e-13)
    t, other_t = (s.signals(6, "density", [0, 1]) for s in samples)
    # slopes of Y_6 are some ten times its size
    assert np.abs(t - other_t).max() < 1e-11 * np.abs(t).max()


def test_an_unrattled_crystal_has_nothing_to_hold_and_does_not_fall_short() -> None:
    # strained isotropically, so that no structure is a copy of another
    perfect = rattled(lithium_fluoride(1), 40, 0.0)
    scale = np.linspace(0.97, 1.03, 40)
    assert perfect.cells is not None
    strained = replace(
        perfect, positions=perfect.positions * scale[:, None, None], cells=perfect.cells * scale[:, None, None],
        forces=np.random.default_rng(0).normal(size=perfect.forces.shape),
    )  # fmt: skip
    result = diagnose(strained, density_backbone(6), replace(SETTINGS, degrees=(2,), coefficients=200))
    sites = {
        (entry["element"], entry["site"]): entry["nothing_to_hold"] for entry in result["checks"]["sites"]
    }
    # features up to l = 2 at a site of O_h are scalars, so nothing of an l up to the ceiling, 4, can be held; of the l above, the
    # site itself leaves nothing of 5, and of 6 what is injected lies above the ceiling
    assert sites == {("Li", "Oh"): [1, 2, 3, 4, 5], ("F", "Oh"): [1, 2, 3, 4, 5]}
    assert result["verdict"]["outcome"] == "nothing tested"
    assert result["verdict"]["held"] is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"atoms": (0,)}, "atoms are numbered within one molecule"),
        ({"by": "atom"}, "leave --by atom out"),
        ({"select": ("element == 'O'",)}, "no atom is selected"),
        ({"select": ("element == 'Li'", "atom < 3")}, "holds Li, F: expected one element"),
        ({"select": ("elemen == 'O'",)}, "elemen"),
        ({"injections": ("marked",)}, "no atom asked for has a neighbour that can be marked"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(change: dict[str, Any], words: str) -> None:
    structures = mixed(rattled(lithium_fluoride(1), 40, 0.1))
    with pytest.raises(InputError, match=words):
        diagnose(structures, density_backbone(6), replace(SETTINGS, **change))


def test_of_several_selections_each_has_its_rows_and_the_file_fits_its_schema(tmp_path: Path) -> None:
    structures = mixed(rattled(ethanol(), 150, 0.06, 2))
    chosen = ("element == 'C' and atom < 1", "element == 'H'")
    settings = replace(SETTINGS, degrees=(1,), l_top=3, environments=150, coefficients=60, select=chosen)
    result = diagnose(structures, density_backbone(4), settings, out=tmp_path / "run")
    validate(result)
    scopes = {row["scope"] for row in result["recovery"]}
    assert scopes == {"molecule", *(f"select:{text}" for text in chosen)}
    assert [pool["scope"] for pool in result["data"]["environments"]] == [f"select:{text}" for text in chosen]
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "element == 'C' and atom < 1" in html.unescape(page)
    with (tmp_path / "run" / "recovery.csv").open(newline="", encoding="utf-8") as file:
        assert {row["scope"] for row in csv.DictReader(file)} == scopes


def test_a_list_of_atoms_is_measured_as_the_same_structures_are() -> None:
    sets = rattled(silicon(1), 60, 0.1), rattled(ethanol(), 60, 0.06, 2)
    settings = replace(SETTINGS, degrees=(1,), l_top=3, environments=100, coefficients=40)
    images = [image for frames in sets for image in frames.to_ase()]
    results = [diagnose(data, density_backbone(4), settings) for data in (images, mixed(*sets))]
    assert results[0]["recovery"] == results[1]["recovery"]
    assert results[0]["data"]["source"] == "structures"
    molecules = rattled(ethanol(), 150, 0.06, 2).to_ase()
    alone = diagnose(molecules, density_backbone(4), replace(settings, environments=None))
    assert "atom:0" in {row["scope"] for row in alone["recovery"]}


def test_a_list_of_atoms_is_selected_by_what_its_info_says() -> None:
    # of one composition, whose form would otherwise be that of frames
    images = rattled(silicon(1), 80, 0.1).to_ase()
    for k, image in enumerate(images):
        image.info["config_type"] = "cold" if k % 2 else "hot"
    settings = replace(SETTINGS, degrees=(1,), l_top=3, environments=100, coefficients=40)
    hot = diagnose(images, density_backbone(4), replace(settings, select=("config_type == 'hot'",)))
    assert {structure % 2 for structure in hot["environments"]["structure"]} == {0}
    (pool,) = hot["data"]["environments"]
    assert pool["scope"] == "element:Si"
    assert sum(pool["structures"].values()) == 40
    with pytest.raises(InputError, match=r"config_typ is not known: expected structure, .*config_type"):
        diagnose(images, density_backbone(4), replace(settings, select=("config_typ == 'hot'",)))


def test_what_is_undecided_asks_for_environments_where_there_are_more() -> None:
    crystal, molecule = rattled(lithium_fluoride(1), 40, 0.1), rattled(ethanol(), 100, 0.06)
    more = [
        check(data, density_backbone(6), replace(SETTINGS, environments=count)).sample.more
        for data, count in ((crystal, 100), (crystal, 160), (molecule, None))
    ]
    # 160 are all there are of either element
    assert more == ["environments (--environments) or structures", "structures", "frames"]


def test_pools_of_one_molecule_agree_with_its_atoms() -> None:
    """What theory says of an element's readout and those of its atoms, on the same frames and parts.

    The only oxygen is a pool of one atom: nothing may differ but the order of sums. Where an element has several atoms, one
    readout for all of them misses at least what the atoms' own ones miss, so it recovers no more than the best of them does.
    The ceiling is the same.
    """
    frames, backbone = rattled(ethanol(), 150, 0.06, 2), density_backbone(6)
    split = split_frames(len(frames), 0)
    parts = {name: getattr(split, name).tolist() for name in ("training", "validation", "held_out")}
    record = {"data": {"sha256": frames.sha256, "frames": len(frames)}, "split": parts}
    backbone.info = replace(backbone.info, training=record)  # the split that both take over
    settings = replace(SETTINGS, coefficients=100, injections=("density",), environments=None)
    by_atom = diagnose(frames, backbone, settings)
    by_element = diagnose(frames, backbone, replace(settings, by="element", environments=6 * len(frames)))
    for degree in (1, 2):
        for readout in ("free", "equivariant"):
            alone, pooled = (
                heights(result, scope, readout, degree)
                for result, scope in ((by_atom, "atom:2"), (by_element, "element:O"))
            )
            assert [height is None for height in alone] == [height is None for height in pooled]
            # 100 coefficients over the smallest ridge strength, 1e-7, magnify rounding, 1e-16, to 1e-7
            left, right = (np.array(each, float) for each in (alone, pooled))
            assert np.nanmax(np.abs(left - right)) < 1e-7, (degree, readout)
        for element, atoms in (("C", (0, 1)), ("H", range(3, 9))):
            pooled = heights(by_element, f"element:{element}", "equivariant", degree)
            own = [heights(by_atom, f"atom:{atom}", "equivariant", degree) for atom in atoms]
            top = 2 * degree
            assert pooled[top + 1 :] == [None] * (6 - top)
            for l in range(1, top + 1):
                assert pooled[l] < max(each[l] for each in own), (element, degree, l)  # type: ignore[operator, type-var]
    boundaries = [
        [(part["boundary"], part["above"]) for part in result["verdict"]["per_degree"]]
        for result in (by_atom, by_element)
    ]
    assert boundaries[0] == boundaries[1] == [(2, []), (4, [])]


def test_an_element_that_the_model_does_not_know_names_the_structures() -> None:
    structures = mixed(rattled(silicon(1), 40, 0.1), rattled(lithium_fluoride(1), 40, 0.1))
    backbone = density_backbone(6, elements=["Si"])
    with pytest.raises(
        InputError,
        match=r"does not know the element Li \(nor F\), which 40 of the 80 structures .* structure 40",
    ):
        diagnose(structures, backbone, SETTINGS)
    settings = replace(SETTINGS, select=("element == 'Si'",), degrees=(1,), environments=200)
    result = diagnose(structures, backbone, settings)
    assert [entry["element"] for entry in result["data"]["environments"]] == ["Si"]


def test_isolated_atoms_and_structures_without_forces_are_refused_in_words() -> None:
    alone = Frames(
        np.array([14]), np.zeros((200, 1, 3)), np.zeros((200, 1, 3)), None, "alone.xyz", "0" * 64, "eV"
    )
    with pytest.raises(InputError, match="every atom asked for is isolated"):
        diagnose(StructuresInMemory.of(alone), density_backbone(6), SETTINGS)
    silent = rattled(silicon(1), 40, 0.1)
    with pytest.raises(InputError, match="none of its structures has forces"):
        diagnose(replace(silent, forces=np.full_like(silent.forces, np.nan)), density_backbone(6), SETTINGS)


def test_held_out_structures_are_all_held_out_and_copies_are_refused() -> None:
    first, other = rattled(silicon(1), 40, 0.1), rattled(silicon(1), 20, 0.1, 7, source="other.xyz")
    settings = replace(SETTINGS, degrees=(1,), environments=200)
    result = diagnose(first, density_backbone(6), settings, held_out=other)
    assert result["data"]["environments"][0]["structures"]["held_out"] <= 20
    assert "other.xyz" in result["data"]["note"]
    with pytest.raises(InputError, match=r"of the held-out structures of other\.xyz are in made\.xyz too"):
        diagnose(first, density_backbone(6), settings, held_out=replace(first, source="other.xyz"))
