"""The intervals cover the truth as often as they say, in studies drawn from a model whose truth is known."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from spectral_ceilings.diagnostic.recovery.bootstrap import share_of
from spectral_ceilings.diagnostic.recovery.coverage import DESIGNS, Design, coverage, main
from spectral_ceilings.diagnostic.recovery.hierarchy import Bootstrap, interval, ratio
from spectral_ceilings.theory import InputError

TRIALS = 150


@pytest.mark.parametrize(
    "design",
    [
        Design(frames=90),
        Design(frames=300),
        Design(atoms=10, atom=0.5, frames=200),
        Design(backbones=4, backbone=0.3, frames=200),
        Design(backbones=4, atoms=8, atom=0.5, backbone=0.3, frames=200),
    ],
    ids=["few frames", "one atom", "ten atoms", "four backbones", "four backbones, eight atoms"],
)
def test_the_interval_covers_as_often_as_it_says(design: Design) -> None:
    """Between 93 and 97 % in the limit: with so many trials outside these counts once in 2,000 (each side 1 in 4,000)."""
    found = coverage(design, TRIALS, draws=150, seed=1)
    low, high = binom.ppf(1 / 4000, TRIALS, 0.93), binom.ppf(1 - 1 / 4000, TRIALS, 0.97)
    assert low <= found.hits <= min(high, TRIALS)


def test_a_percentile_bootstrap_of_four_backbones_is_too_narrow() -> None:
    """The reason for Student's t: it covers too seldom by far more than chance, and is less than half as wide."""
    found = coverage(Design(backbones=4, backbone=0.5, frames=60), TRIALS, draws=150, seed=2)
    assert found.percentile_hits <= binom.ppf(1 / 4000, TRIALS, 0.95)
    assert found.percentile_width < 0.5 * found.width
    assert found.hits >= binom.ppf(1 / 4000, TRIALS, 0.93)


def test_the_truth_of_the_model_is_what_many_frames_show() -> None:
    design = Design(atoms=4000, frames=20, atom=0.4, backbone=0.0, combine="pooled", phi=0.5)
    sums = design.draw(np.random.default_rng(0))
    found = 1 - sums["missed"][0].sum() / sums["injected"][0].sum()
    # Frames share F (SD 0.3, 20 frames with phi = 0.5: variance of their mean 0.09 x 2.8 / 20), the rest averages out.
    assert found == pytest.approx(
        design.truth, abs=4 * (1 - design.truth) * np.sqrt(0.09 * 2.8 / 20 + 1.0 / 4000)
    )


def test_the_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--trials", "2", "--draws", "20", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == len(DESIGNS)
    assert {row["backbones"] for row in rows} >= {1, 2, 4, 8}
    with pytest.raises(SystemExit):
        main(["--trials", "0"])


@pytest.mark.parametrize(
    "wrong", [{"backbones": 0}, {"atoms": 0}, {"frames": 19}, {"phi": 1.0}, {"phi": -0.1}]
)
def test_designs_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        replace(Design(), **wrong)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=30)
@given(
    st.integers(1, 4), st.integers(1, 4), st.integers(20, 60), st.sampled_from(["median", "pooled"]),
    st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_an_interval_holds_its_value_and_no_share_passes_one(
    backbones: int, atoms: int, frames: int, combine: str, crossed: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    table = {
        "injected": [rng.gamma(2.0, 1.0, (atoms, frames)) for _ in range(backbones)],
        "missed": [rng.gamma(2.0, 0.3, (atoms, frames)) for _ in range(backbones)],
    }
    found = interval(
        share_of("r2", combine),
        table,
        Bootstrap(frames, 50, rng),
        share=True,
        median=combine == "median",
        crossed=crossed,
    )  # type: ignore[arg-type]
    assert found.low <= found.value <= found.high < 1.0
    assert {level.name for level in found.levels} == {
        name
        for name, count in (("backbones", backbones), ("blocks", frames // 10), ("atoms", atoms))
        if count > 1
    }


def two(top: float, bottom: float, noise: float, seed: int) -> tuple[dict[str, list[np.ndarray]], Bootstrap]:
    rng = np.random.default_rng(seed)
    table = {name: [mean + noise * rng.normal(size=(1, 200))] for name, mean in (("n", top), ("d", bottom))}
    return table, Bootstrap(200, 400, rng)


def means(get):  # type: ignore[no-untyped-def]
    return np.stack([get("n").sum(axis=1), get("d").sum(axis=1)]) / 200


def test_a_ratio_is_bounded_where_its_denominator_is_told_from_zero() -> None:
    hits = 0
    for seed in range(TRIALS):
        found = ratio(means, *two(0.9, 0.3, 0.5, seed))
        assert found.kind == "interval"
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 3.0 <= found.high
    assert binom.ppf(1 / 4000, TRIALS, 0.93) <= hits <= binom.ppf(1 - 1 / 4000, TRIALS, 0.97)


def test_a_ratio_to_nothing_is_a_bound_or_unknown() -> None:
    bound = ratio(means, *two(0.9, 0.0, 0.5, 3))
    assert bound.kind == "at least"
    assert bound.low is not None
    assert bound.high is not None
    assert bound.high < 0 < bound.low
    unknown = ratio(means, *two(0.0, 0.0, 0.5, 3))
    assert (unknown.kind, unknown.low, unknown.high) == ("unbounded", None, None)


def drawn_clusters(rng: np.random.Generator, clusters: int, rare: int) -> dict[str, list[np.ndarray]]:
    """Two pools whose environments within a cluster of structures miss the same share of the power, all of it by cluster.

    log m = -3 + C_k with C_k normal of SD 0.5; of the second pool only ``rare`` clusters have any.
    """
    shared = 0.5 * rng.normal(size=clusters)
    environments = np.array([[40.0] * clusters, [40.0] * rare + [0.0] * (clusters - rare)])
    power = environments * rng.gamma(2.0, 0.5, size=(1, clusters))
    return {"injected": [power], "missed": [power * np.exp(-3.0 + shared)]}


@pytest.mark.parametrize(("clusters", "rare"), [(20, 20), (12, 12), (20, 6)])
@pytest.mark.parametrize("pool", [0, 1])
def test_intervals_over_clusters_cover_where_rows_of_a_structure_are_alike(
    clusters: int, rare: int, pool: int
) -> None:
    """The same for clusters: 40 rows of a structure say one thing, so rows taken as independent would cover far too seldom.

    The truth is 1 - exp(-3 + 0.5^2 / 2). Between 91 and 99 % in the limit, as a pool that is in few clusters is on the safe side:
    with so many trials outside these counts once in 2,000.
    """
    truth, hits, as_rows = 1.0 - np.exp(-3.0 + 0.125), 0, 0
    for trial in range(TRIALS):
        rng = np.random.default_rng([3, trial])
        table = {name: [arrays[0][[pool]]] for name, arrays in drawn_clusters(rng, clusters, rare).items()}
        estimate = interval(
            share_of("r2", "median"),
            table,
            Bootstrap(clusters, 150, rng, clusters=True),
            share=True,
            median=True,
        )
        hits += estimate.low <= truth <= estimate.high
        there = table["injected"][0][0] > 0.0
        rows = {name: [np.repeat(arrays[0][:, there] / 40.0, 40, axis=1)] for name, arrays in table.items()}
        blocks = Bootstrap(40 * int(there.sum()), 150, rng, clusters=True)
        naive = interval(share_of("r2", "median"), rows, blocks, share=True, median=True)
        as_rows += naive.low <= truth <= naive.high
    assert binom.ppf(1 / 4000, TRIALS, 0.91) <= hits <= TRIALS
    # rows narrow the interval by the square root of 40
    assert as_rows < TRIALS / 2


def test_an_interval_over_clusters_rests_on_those_in_which_the_rarest_pool_is() -> None:
    rng = np.random.default_rng(0)
    table = drawn_clusters(rng, 20, 6)
    bootstrap = Bootstrap(20, 100, rng, clusters=True)
    assert bootstrap.members(table) == 6
    assert bootstrap.members({name: [arrays[0][[0]]] for name, arrays in table.items()}) == 20
    rare = interval(
        share_of("r2", "median"), {n: [a[0][[1]]] for n, a in table.items()}, bootstrap, share=True
    )
    assert [(level.name, level.members, level.freedom) for level in rare.levels] == [("blocks", 6, 5)]
    nothing = {name: [np.zeros((1, 20))] for name in ("injected", "missed")}
    assert bootstrap.members(nothing) == 20
