"""The laws that an adapter keeps when its model goes from one device to another, on a pretended card."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from spectral_ceilings.diagnostic.backbones.backbone import Backbone
from spectral_ceilings.diagnostic.backbones.responses import Response
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.records.devices import OutOfDeviceMemory

from pretended_card import Card, pretended_card

#: A scripted function differentiates by itself on the CPU: sums in another order, of some 1e3 terms of the size of the largest.
ROUNDING = 1e3 * np.finfo(float).eps


def equal(one: Response, other: Response, rounding: float = 0.0) -> None:
    """Assert that features and energies are equal but for ``rounding`` of the largest, and what is differentiated as well."""
    for name, features in other.features.items():
        size = np.abs(features.values).max()
        np.testing.assert_allclose(one.features[name].values, features.values, rtol=0.0, atol=rounding * size)
    for name in ("energies", "forces", "stress"):
        made, known = getattr(one, name), getattr(other, name)
        assert (made is None) == (known is None)
        if known is not None:
            bound = rounding if name == "energies" else max(rounding, ROUNDING)
            np.testing.assert_allclose(made, known, rtol=0.0, atol=bound * np.abs(known).max())


def assert_follows(
    backbone: Backbone, frames: Frames, *, waits: Sequence[str] = (), runs_out: bool = True
) -> None:
    """Assert that a backbone computes where it is told to, as often as it is told, and mixes no devices.

    Parameters
    ----------
    backbone, frames
        A model, and at least two frames that it knows.
    waits
        Operations for which the package of the model waits once in every pass.
    runs_out
        Whether memory runs out, too. The error of a pretended card is one of Python, which loses its words in TorchScript; that
        of a card keeps them.
    """
    names = [layer.name for layer in backbone.layers()]

    def answer(some: Frames) -> Response:
        return backbone.respond(some, names, forces=True)

    known = answer(frames)
    with pretended_card(free=8 * 10**11) as card:
        backbone.to("cuda")
        whole = answer(frames)
        asked = dict(card.waits)
        assert card.operations > 10
        equal(whole, known)
        card.waits.clear()
        answer(frames.select([0]))
        assert dict(card.waits) == asked  # as often for a frame as for all of them
        assert set(asked) <= {"copy to the host", *waits}
        backbone.to("cpu")
        before = card.operations
        equal(answer(frames), known)
        assert card.operations == before
        backbone.to("cuda")
        equal(answer(frames), known)
        if runs_out:
            _runs_out(card, answer, frames, known)
        backbone.to("cpu")
    equal(answer(frames), known)


def _runs_out(card: Card, answer: Callable[[Frames], Response], frames: Frames, known: Response) -> None:
    card.largest = 0
    answer(frames.select([0]))
    card.room = card.largest
    before = card.refused
    # A product of other shapes adds in another order, and layers carry that on.
    equal(answer(frames), known, rounding=1e-10)
    assert card.refused > before
    card.room = 200
    with pytest.raises(OutOfDeviceMemory, match=r"one item .*--device cpu"):
        answer(frames)
    card.room = None
    equal(answer(frames), known)  # what failed left nothing behind
