"""The rows of an audit: shares of irreps, equivariance errors and readouts of one turned frame, and what can be shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from ..backbones.backbone import Backbone
from ..backbones.equivariance import measure_equivariance
from ..backbones.features import Features, Layer
from ..frames.frames import Frames
from .bandwidth import readout_floor
from .random_readouts import RandomReadout, ReadoutKind, random_readout
from .result import AuditSettings
from .rotation_audit import ReadoutSpectrum, component_scale, feature_shares, rotation_audit, rotation_degree
from .rounding import Rounding, measure_rounding
from .sites import layer_site, top_degree

_FRAMES_OF_SHARES = 20
#: Degrees above the highest ceiling that a rotation spectrum shows.
_ABOVE = 2


def feature_rows(backbone: Backbone, frames: Sequence[Frames], names: list[str]) -> dict[str, Any]:
    """Return the share and the size of every irrep of every layer, over up to twenty frames of each of some structures."""
    answers = [
        backbone.respond(
            each.select(np.unique(np.linspace(0, len(each) - 1, _FRAMES_OF_SHARES).astype(int))), names
        ).features
        for each in frames
    ]
    rows = []
    for name in names:
        features = joined_atoms([answer[name] for answer in answers])
        for block, share, rms in feature_shares(features):
            rows.append({"layer": name, "l_out": block.l, "parity": block.parity, "channels": block.channels,
                         "share": share, "rms": rms})  # fmt: skip
    return {"rows": rows}


def joined_atoms(features: Sequence[Features]) -> Features:
    """Return features of several structures as those of one that has the atoms of all frames; one is returned as it is."""
    if len(features) == 1:
        return features[0]
    values = np.concatenate([of.values.reshape(1, -1, of.values.shape[2]) for of in features], axis=1)
    return replace(features[0], values=values)


def turned_rows(
    backbone: Backbone, frame: Frames, number: int, layers: Sequence[Layer], atoms: Sequence[int], settings: AuditSettings, *,
    network: bool, progress: Callable[[int, int], None], device: str = "cpu",
) -> dict[str, Any]:  # fmt: skip
    """Turn one frame: return the rows of equivariance errors and of readouts.

    Parameters
    ----------
    number
        Number of the frame among those given; names the row and draws what is random.
    network
        Whether to run the network on the turned frame, and not only to turn its features.
    device
        Where features are turned, read and projected.
    """
    names = [layer.name for layer in layers]
    l_top = max(settings.degrees) * max(layer.l_max for layer in layers) + _ABOVE
    rounding = measure_rounding(backbone, frame, names, np.random.default_rng([settings.seed, number, 6]))
    given = backbone.respond(frame, names).features
    features = {name: given[name] for name in names}
    readouts = _drawn_readouts(features, rounding, atoms, settings)
    turned = rotation_audit(
        backbone, frame, names if network else [], readouts, l_top,
        np.random.default_rng([settings.seed, number, 2]), network=network,
        degree=rotation_degree(l_top), progress=progress, device=device,
    )  # fmt: skip
    errors = [
        {"frame": number, "layer": name, "l_out": error.l, "parity": error.parity, "channels": error.channels,
         "size": error.size, "rms": error.rms, "largest": error.largest, "bound": error.bound,
         "inversion": error.inversion, "translation": error.translation, "by_degree": error.by_degree,
         "rounding": rounding.blocks[name][error.l, error.parity].relative}
        for name, blocks in turned.errors.items() for error in blocks
    ]  # fmt: skip
    sites = _Sites(backbone, frame, layers, atoms, features, rounding, settings.seed)
    shared = {"frame": number, "rotations": len(turned.quadrature), "quadrature": turned.quadrature.degree}
    return {"errors": errors, "readouts": [{**shared, **sites.row(spectrum)} for spectrum in turned.readouts]}


class _Sites:
    """What rounding and the symmetry of its site leave of the spectrum of every readout."""

    def __init__(
        self, backbone: Backbone, frame: Frames, layers: Sequence[Layer], atoms: Sequence[int],
        features: Mapping[str, Features], rounding: Rounding, seed: int,
    ) -> None:  # fmt: skip
        self._frame, self._features, self._rounding = frame, features, rounding
        self._tops = {layer.name: layer.l_max for layer in layers}
        names = [layer.name for layer in layers]
        measured = measure_equivariance(backbone, frame, names, np.random.default_rng([seed, 7]))
        self._sites = {(name, atom): layer_site(backbone, frame, name, atom)
                       for name in names for atom in atoms}  # fmt: skip
        self._degrees = {
            (name, atom): top_degree(measured[name], site.group) for (name, atom), site in self._sites.items()
        }

    def row(self, spectrum: ReadoutSpectrum) -> dict[str, Any]:
        """Return the row of a spectrum, without what all rows of a frame share."""
        readout, layer, atom = spectrum.readout, spectrum.layer, spectrum.atom
        site, left = self._sites[layer, atom], self._degrees[layer, atom]
        ceiling = None if readout.degree is None else readout.degree * self._tops[layer]
        rounding = self._rounding.of_layer(layer)
        return {
            "layer": layer, "atom": atom, "element": self._frame.symbols[atom],
            "readout": readout.kind, "degree": readout.degree, "ceiling": ceiling, "route": spectrum.route,
            "power": spectrum.power, "above": None if ceiling is None else spectrum.above(ceiling),
            "at_ceiling": None if ceiling is None else spectrum.power[ceiling], "error": spectrum.error,
            "rounding": rounding,
            "floor": readout_floor(readout.degree or 1, rounding if spectrum.route == "network" else 0.0),
            "site": site.symbol, "site_deviation": site.deviation,
            "site_l": left, "forbidden": left < self._tops[layer], "carried": self._carried(layer, atom, left),
        }  # fmt: skip

    def _carried(self, layer: str, atom: int, l: int) -> float:
        """Size of an atom's features of degree l beside the same of all atoms, or of the whole layer where it is rounding."""
        counted = self._rounding.counts(layer)
        blocks = list(self._features[layer].blocks())
        most = max(float(np.sqrt((block.values**2).sum(axis=3).mean())) for block in blocks)
        carried = 0.0
        for block in blocks:
            if block.l == l:
                square = (block.values**2).sum(axis=3)
                unit = float(np.sqrt(square.mean())) if (block.l, block.parity) in counted else most
                carried = max(carried, float(np.sqrt(square[0, atom].mean())) / unit if unit > 0 else 0.0)
        return carried


def _drawn_readouts(
    features: Mapping[str, Features], rounding: Rounding, atoms: Sequence[int], settings: AuditSettings
) -> list[tuple[str, int, RandomReadout]]:
    """Return (layer, atom, readout), each drawn from the seed, the layer and the atom alone: others change nothing."""
    readouts = []
    for index, name in enumerate(features):
        scale = component_scale(features[name], rounding.counts(name))
        for atom in atoms:
            for kind, degree in _kinds(settings):
                rng = np.random.default_rng([settings.seed, index, atom, degree or 0, len(kind)])
                readouts.append((name, atom, random_readout(kind, degree, scale, rng)))
    return readouts


def _kinds(settings: AuditSettings) -> Iterator[tuple[ReadoutKind, int | None]]:
    yield from (("polynomial", degree) for degree in settings.degrees)
    yield from ((cast(ReadoutKind, name), None) for name in settings.activations)
