"""Which frames are trained on, chosen on and held out in a diagnosis."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..frames.copies import check_apart, copy_groups
from ..frames.frames import Frames
from ..frames.relabelled import check_same_labels
from ..frames.splits import BLOCK, Split, evenly_spaced, split_frames
from .settings import DiagnoseSettings


@dataclass(frozen=True)
class Data:
    """Frames with their split, and a sentence on where the split comes from."""

    frames: Frames
    split: Split
    note: str


def arrange(
    frames: Frames, backbone: Backbone, settings: DiagnoseSettings, held_out: Frames | None = None
) -> Data:
    """Split the frames, honouring what the backbone was trained on.

    Where the backbone's record names these very frames (by SHA-256) its own split is used, so that what is held out
    here was held out of its training too. ``held_out`` frames from a file of their own are all held out.

    Raises
    ------
    InputError
        Too few frames, or ``held_out`` frames of another molecule or among ``frames``.
    """
    record = backbone.info.training or {}
    trained_on = record.get("data", {})
    # A selection of a file's frames carries the file's hash, so their number must be the same as well.
    same = trained_on.get("sha256") == frames.sha256 and trained_on.get("frames") == len(frames)
    if held_out is not None:
        if not np.array_equal(held_out.numbers, frames.numbers):
            raise InputError(
                f"{held_out.source} holds {held_out.formula} in another order or composition than {frames.source} "
                f"({frames.formula}); give held-out frames of the same molecule in the same atom order"
            )
        check_same_labels(frames, held_out)
        check_apart(frames, held_out)
        split = split_frames(len(frames), settings.seed, with_held_out=False)
        joined = replace(
            frames,
            positions=np.concatenate([frames.positions, held_out.positions]),
            forces=np.concatenate([frames.forces, held_out.forces]),
            energies=None,
        )
        split = replace(split, held_out=np.arange(len(frames), len(joined)))
        note = f"held-out frames from {held_out.source} (SHA-256 {held_out.sha256[:12]})"
        if trained_on.get("sha256") == held_out.sha256:
            note += "; the backbone was trained on some of them: give others"
        data = Data(joined, split, note)
    elif same and record["split"]["held_out"]:
        parts = {
            name: np.array(record["split"][name], dtype=np.int64)
            for name in ("training", "validation", "held_out")
        }
        data = Data(
            frames,
            Split(**parts),
            "the split of the backbone's own training; nothing was chosen on the held-out frames",
        )
    else:
        note = "drawn in blocks of consecutive frames"
        if same:
            note += "; the backbone was trained on some of the held-out frames: give others with --held-out"
        data = Data(frames, split_frames(len(frames), settings.seed), note)
    return _thinned(_without_leaks(data) if held_out is None else data, settings.frames)


def _without_leaks(data: Data) -> Data:
    """Leave out frames that are copies of one in an earlier part: what was trained on is not held out.

    ``read_frames`` has left copies out already; frames that were made otherwise may still hold some.
    """
    groups = copy_groups(data.frames.numbers, data.frames.positions)
    parts = data.split.training, data.split.validation, data.split.held_out
    validation = parts[1][~np.isin(groups[parts[1]], groups[parts[0]])]
    earlier = np.concatenate([groups[parts[0]], groups[validation]])
    held_out = parts[2][~np.isin(groups[parts[2]], earlier)]
    lost = len(parts[1]) + len(parts[2]) - len(validation) - len(held_out)
    if not lost:
        return data
    note = f"{data.note}; {lost} frames that are copies of frames in an earlier part are left out"
    return Data(data.frames, Split(parts[0], validation, held_out), note)


#: Fewest frames of each part.
_FEWEST = {"training": 3 * BLOCK, "validation": 5, "held_out": 2 * BLOCK}


def _thinned(data: Data, limit: int | None) -> Data:
    counts = data.split.counts()
    total = sum(counts.values())
    for name, low in _FEWEST.items():
        if counts[name] < low:
            raise InputError(
                f"{counts[name]} {name.replace('_', '-')} frames are too few, expected at least {low}; give more frames"
            )
    split = data.split
    if limit is not None and limit < total:
        # every part keeps its share of the frames, so the part that has fewest to spare sets the bound
        least = max(math.ceil(low * total / counts[name]) for name, low in _FEWEST.items())
        if limit < least:
            raise InputError(
                f"frames is {limit}, expected at least {least} of these {total}, of which {_FEWEST['held_out']} or more are "
                "held out; use more frames"
            )
        kept = {}
        for name in counts:
            part = getattr(data.split, name)
            kept[name] = part[evenly_spaced(len(part), round(len(part) * limit / total))]
        split = Split(**kept)
    order = np.sort(np.concatenate([split.training, split.validation, split.held_out]))
    moved = Split(
        *(np.searchsorted(order, part) for part in (split.training, split.validation, split.held_out))
    )
    return Data(data.frames.select(order), moved, data.note)
