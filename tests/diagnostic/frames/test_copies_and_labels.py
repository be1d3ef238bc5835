"""Copies are left out and never held out of themselves; exchanged labels are told from protons that hop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic.frames.copies import check_apart, copy_groups, without_copies
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.marks import marked_neighbours
from spectral_ceilings.diagnostic.frames.reading import embedded_frames, read_frames
from spectral_ceilings.diagnostic.frames.relabelled import check_labels, check_same_labels, relabelling
from spectral_ceilings.theory.errors import InputError

from .test_units_fit import hopping


def save(path: Path, frames: Frames) -> Path:
    assert frames.energies is not None
    np.savez(
        path,
        numbers=frames.numbers,
        positions=frames.positions,
        forces=frames.forces,
        energies=frames.energies,
    )
    return path


def exchanged(frames: Frames, first: int, second: int) -> Frames:
    """Return the frames with two atoms' labels exchanged."""
    order = np.arange(len(frames.numbers))
    order[[first, second]] = order[[second, first]]
    return replace(
        frames,
        numbers=frames.numbers[order],
        positions=frames.positions[:, order],
        forces=frames.forces[:, order],
    )


def joined(first: Frames, second: Frames) -> Frames:
    assert first.energies is not None
    assert second.energies is not None
    return replace(
        first,
        positions=np.concatenate([first.positions, second.positions]),
        forces=np.concatenate([first.forces, second.forces]),
        energies=np.concatenate([first.energies, second.energies]),
    )


# ---------------------------------------------------------------------------------------------------- copies


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(embedded_frames()),
    seed=st.integers(0, 2**20),
    noise=st.sampled_from([0.0, 1e-8, 5e-8]),
    relabel=st.booleans(),
)
def test_copies_are_known_however_they_were_moved(name: str, seed: int, noise: float, relabel: bool) -> None:
    rng = np.random.default_rng(seed)
    frames = KNOWN[name]
    source = rng.integers(0, 40, 30)
    copies = np.stack(
        [
            x @ Rotation.random(random_state=rng).as_matrix().T + rng.normal(size=3)
            for x in frames.positions[source]
        ]
    )
    if relabel:
        like = np.flatnonzero(frames.numbers == 1)
        order = np.arange(len(frames.numbers))
        order[like] = rng.permutation(like)
        copies = copies[:, order]
    copies = copies + noise * rng.uniform(-1, 1, copies.shape)
    groups = copy_groups(frames.numbers, np.concatenate([frames.positions[:40], copies]))
    assert np.array_equal(groups[:40], np.arange(40))
    assert np.array_equal(groups[40:], source)


KNOWN = {name: read_frames(name) for name in embedded_frames()}


@pytest.mark.parametrize("name", embedded_frames())
def test_frames_that_move_by_a_thousandth_of_an_angstrom_are_no_copies(name: str) -> None:
    frames = KNOWN[name].select(range(50))
    rng = np.random.default_rng(0)
    moved = frames.positions + 1e-3 * rng.standard_normal(frames.positions.shape)
    groups = copy_groups(frames.numbers, np.concatenate([frames.positions, moved]))
    assert np.array_equal(groups, np.arange(100))


def test_independent_frames_of_a_diatomic_are_no_copies() -> None:
    """One distance, 300 frames, sd .05 Å: two agree to 1e-6 Å by chance in one set of two, to 3e-8 Å in one of 60."""
    rng = np.random.default_rng(1)
    length = 3.08 + 0.05 * rng.standard_normal(300)
    positions = np.zeros((300, 2, 3))
    positions[:, 1, 0] = length
    nearest = np.diff(np.sort(length)).min()
    assert nearest > 3e-8
    assert np.array_equal(copy_groups(np.array([11, 11]), positions), np.arange(300))


def test_a_file_of_copies_is_read_without_them(tmp_path: Path) -> None:
    frames = KNOWN["ethanol-xtb"].select(range(70))
    path = save(tmp_path / "copies.npz", frames.select(list(range(70)) * 4))
    few = read_frames(path)
    assert np.array_equal(few.positions, frames.positions)
    assert few.left_out == 210
    assert few.checks["copies"].startswith("210 of the 280 frames are copies of others and are left out; 70")
    assert "do not vary" not in few.checks["energies"]
    assert without_copies(few) == (few, 0)


def test_held_out_copies_are_refused_with_their_number() -> None:
    frames = KNOWN["toluene-xtb"]
    turn = Rotation.random(random_state=3).as_matrix()
    held_out = frames.select(range(90, 130))
    moved = replace(held_out, positions=np.round(held_out.positions @ turn.T + 1.0, 8))
    with pytest.raises(InputError, match="10 of the 40 held-out frames"):
        check_apart(frames.select(range(100)), moved)
    check_apart(frames.select(range(90)), moved)


# ---------------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("pair", [(3, 8), (0, 1)])
def test_exchanged_labels_in_a_part_of_a_file_are_named(share: float, pair: tuple[int, int]) -> None:
    frames = KNOWN["ethanol-xtb"].select(range(60))
    assert frames.symbols[pair[0]] == frames.symbols[pair[1]]
    count = round(60 * share)
    mixed = joined(frames.select(range(count)), exchanged(frames.select(range(count, 60)), *pair))
    names = rf"the like atoms {pair[0]} \(.\) and {pair[1]} \(.\) have exchanged their places"
    with pytest.raises(InputError, match=names):
        check_labels(mixed)
    assert "one order of atoms" in check_labels(frames)


@pytest.mark.parametrize("name", embedded_frames())
def test_exchanged_labels_of_held_out_frames_are_named(name: str) -> None:
    """Every pair of like atoms with different bonds is found; equivalent atoms of one neighbour are no matter."""
    frames = KNOWN[name]
    first, second = frames.select(range(50)), frames.select(range(50, 100))
    check_same_labels(first, second)
    from spectral_ceilings.diagnostic.frames.marks import bonds

    bonded = bonds(frames.numbers, frames.positions[0])
    rng = np.random.default_rng(0)
    pairs = [
        (i, j) for i in range(len(bonded)) for j in range(i)
        if frames.numbers[i] == frames.numbers[j] and set(bonded[i]) - {j} != set(bonded[j]) - {i}
    ]  # fmt: skip
    for k in rng.permutation(len(pairs))[:12]:
        with pytest.raises(InputError, match="exchanged their places"):
            check_same_labels(first, exchanged(second, *pairs[k]))


def test_hopping_protons_are_no_relabelling() -> None:
    frames = hopping()
    assert "bonds are made and broken" in check_labels(frames)
    # held-out frames with the proton on the other side
    near = np.linalg.norm(frames.positions[:, 2] - frames.positions[:, 0], axis=1) < 1.2
    check_same_labels(frames.select(near), frames.select(~near))


def test_a_double_proton_transfer_is_a_reaction_and_an_exchange_is_not() -> None:
    """The formic acid dimer: two protons hop from O1, O3 to O4, O2; relabelling needs as many labels as bonds change."""
    numbers = np.array([6, 8, 8, 6, 8, 8, 1, 1, 1, 1])
    frame = {(0, 1), (0, 2), (3, 4), (3, 5), (0, 8), (3, 9)}
    before = frozenset(frame | {(1, 6), (4, 7)})
    after = frozenset(frame | {(5, 6), (2, 7)})
    assert relabelling(numbers, before, after) is None
    assert relabelling(numbers, before, before) is None
    swapped = frozenset(frame | {(1, 7), (4, 6)})
    assert relabelling(numbers, before, swapped) == {6: 7, 7: 6}


# ----------------------------------------------------------------------------------------------------- marks


def test_marks_do_not_trust_the_first_frame() -> None:
    """Whatever frame comes first, the proton that hops is nobody's mark, has none, and the marks are the same."""
    frames = hopping()
    side = np.linalg.norm(frames.positions[:, 2] - frames.positions[:, 0], axis=1) < 1.2
    orders = (np.argsort(side, kind="stable"), np.argsort(~side, kind="stable"))
    marks = [[(m.neighbour, m.why) for m in marked_neighbours(frames.select(order))] for order in orders]
    # equal but for the rounding of a mean over frames in another order, which the two decimals printed do not show
    assert marks[0] == marks[1]
    assert [neighbour for neighbour, _ in marks[0]] == [3, 4, None, 0, 1]


def test_one_odd_first_frame_changes_no_mark() -> None:
    frames = KNOWN["ethanol-xtb"]
    odd = frames.positions.copy()
    odd[0] *= 1.6  # no bond is left in it
    assert [m.neighbour for m in marked_neighbours(replace(frames, positions=odd))] == [
        m.neighbour for m in marked_neighbours(frames)
    ]
