"""The audit of a backbone: exact spectra of its features and readouts under rotation, and in one direction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.features import Layer
from ..backbones.responses import can_filter_edges, respond
from ..frames.frames import Frames
from ..records.files import write_whole
from ..records.plain import plain, to_json
from ..records.run_directory import RunDirectory
from ..records.versions import audit_versions
from .bandwidth import Graph
from .direction_spectrum import direction_spectra, moving_neighbour
from .random_readouts import RandomReadout, ReadoutKind, random_readout
from .result import AUDIT_SCHEMA, AuditSettings, write_spectra
from .result_object import Audit
from .rotation_audit import component_scale, feature_shares, rotation_audit, rotation_degree
from .verdict import audit_verdict

_FRAMES_OF_SHARES = 20
#: Degrees above the highest ceiling that a rotation spectrum shows.
_ABOVE = 2

Progress = Callable[[str, int, int], None]


def audit(
    frames: Frames,
    backbone: Backbone,
    settings: AuditSettings | None = None,
    *,
    untrained: Backbone | None = None,
    out: Path | None = None,
    resume: bool = False,
    command: str = "spectral_ceilings.diagnostic.audit(...)",
    progress: Progress | None = None,
) -> Audit:
    """Measure which degrees a model's features, their readouts and its outputs hold, against the ceilings of theory.

    Parameters
    ----------
    frames
        Frames of one molecule, Å; forces are not used.
    backbone
        The model, in float64.
    settings
        What to measure; None: the defaults.
    untrained
        The same architecture with random weights, to compare with; None: built from the backbone where that can be done.
    out
        Run directory to write: ``result.json``, ``spectra.csv``, ``figures/`` and ``report.html``; None: only return.
    resume
        Take up ``out`` where an earlier run of the same settings stopped.
    command
        The command that repeats this run; goes into the report.
    progress
        Called with (what, done, total).

    Returns
    -------
    Audit
        A mapping with the content of ``result.json``, schema ``spectral-ceilings/audit/1``.

    Raises
    ------
    InputError
        Before any long work: unknown elements, layer or atoms, a run directory that exists.
    """
    settings = settings or AuditSettings()
    backbone.check_elements(frames)
    layers = _layers(backbone, settings.layer)
    atoms = _atoms(frames, settings.atoms)
    moving = (
        moving_neighbour(frames, settings.centre, settings.neighbour)
        if "directions" in settings.parts
        else None
    )
    models = {"given": backbone}
    if settings.untrained:
        other = untrained or (backbone.untrained(settings.seed) if backbone.untrained else None)
        if other is not None:
            models["untrained"] = other
    run = None
    if out is not None:
        asked = {**settings.to_dict(), "atoms": atoms, "backbone_sha256": backbone.info.sha256,
                 "backbone": backbone.info.source, "models": list(models), "data_sha256": frames.sha256,
                 "version": audit_versions()["spectral-ceilings"]}  # fmt: skip
        run = RunDirectory.create(out, asked, resume)
    report = progress or (lambda _what, _done, _total: None)
    timings: dict[str, float] = {}

    def part(key: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        cell = run.load_cell(key) if run else None
        if cell is None:
            start = time.perf_counter()
            cell = plain(work(), key)
            timings[key] = round(time.perf_counter() - start, 3)
            if run:
                run.save_cell(key, cell)
        return cell

    shares: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    readouts: list[dict[str, Any]] = []
    directions: list[dict[str, Any]] = []
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(settings.frames, len(frames))).round().astype(int))
    for label, model in models.items():
        if "features" in settings.parts:
            report(f"features, {label}", 0, 0)
            found = part(f"features/{label}", lambda m=model: _shares(m, frames, layers))  # type: ignore[misc]
            shares += [{"model": label, **row} for row in found["rows"]]
        for number in chosen if "readouts" in settings.parts else ():

            def tell(done: int, total: int, what: str = f"rotations, {label}, frame {number}") -> None:
                report(what, done, total)

            # The network of the untrained model is not run on every rotation: its symmetry is the same code's.
            found = part(
                f"readouts/{label}/{number}",
                lambda m=model, k=int(number), label=label: _rotations(  # type: ignore[misc]
                    m, frames.select([k]), k, layers, atoms, settings, network=label == "given", progress=tell
                ),
            )
            errors += [{"model": label, **row} for row in found["errors"]]
            readouts += [{"model": label, **row} for row in found["readouts"]]
        for graph in ("star", "full") if moving else ():
            assert moving is not None
            if graph == "star" and not can_filter_edges(model):
                continue

            def count(done: int, total: int, what: str = f"directions, {label}, {graph} graph") -> None:
                report(what, done, total)

            spectra = part(
                f"directions/{label}/{graph}",
                lambda m=model, g=graph: {  # type: ignore[misc]
                    "rows": [
                        _direction_row(one)
                        for one in direction_spectra(
                            m, frames, moving, [layer.name for layer in layers], cast(Graph, g), settings.l_top,
                            np.random.default_rng([settings.seed, 3]), progress=count,
                        )
                    ]
                },
            )  # fmt: skip
            head = {"model": label, "graph": graph, "centre": moving.centre, "neighbour": moving.neighbour}
            directions += [{**head, **row} for row in spectra["rows"]]
    result: dict[str, Any] = {
        "schema": AUDIT_SCHEMA,
        "command": command,
        "model": _model(backbone, layers),
        "data": {"source": frames.source, "sha256": frames.sha256, "formula": frames.formula,
                 "numbers": frames.numbers.tolist(), "frames": chosen.tolist()},
        "settings": settings.to_dict(),
        "seed": settings.seed,
        "versions": audit_versions(),
        "timings_s": timings,
        "features": shares,
        "equivariance": errors,
        "readouts": readouts,
        "moving": None if moving is None else {"centre": moving.centre, "neighbour": moving.neighbour,
                                               "distance": moving.distance, "clearance": moving.clearance},
        "directions": directions,
    }  # fmt: skip
    result["verdict"] = audit_verdict(result)
    result = plain(result, "result")
    if run:
        from .figures import write_audit_figures
        from .report import write_audit_report

        report("report", 0, 0)
        write_spectra(result, run.path / "spectra.csv")
        write_whole(run.path / "result.json", to_json(result, "result"))
        write_audit_figures(result, run.path)
        write_audit_report(result, run.path)
    return Audit(result)


def _layers(backbone: Backbone, name: str) -> list[Layer]:
    layers = backbone.layers()
    if name == "all":
        return layers
    found = [layer for layer in layers if layer.name == name]
    if not found:
        names = ", ".join(layer.name for layer in layers)
        raise InputError(f"no layer {name!r} in {backbone.info.source}; give one of {names}, or all")
    return found


def _atoms(frames: Frames, asked: tuple[int, ...] | None) -> list[int]:
    """Return the atoms asked for, or the first atom of every element."""
    if asked is None:
        return sorted({int(np.flatnonzero(frames.numbers == z)[0]) for z in frames.numbers})
    for atom in asked:
        if not 0 <= atom < len(frames.numbers):
            raise InputError(
                f"atom {atom} is not in the molecule, expected indices from 0 to {len(frames.numbers) - 1}"
            )
    return sorted(set(asked))


def _shares(backbone: Backbone, frames: Frames, layers: list[Layer]) -> dict[str, Any]:
    some = frames.select(np.unique(np.linspace(0, len(frames) - 1, _FRAMES_OF_SHARES).astype(int)))
    rows = []
    for name, features in respond(backbone, some, [layer.name for layer in layers]).features.items():
        for block, share, rms in feature_shares(features):
            rows.append({"layer": name, "l_out": block.l, "parity": block.parity, "channels": block.channels,
                         "share": share, "rms": rms})  # fmt: skip
    return {"rows": rows}


def _rotations(
    backbone: Backbone, frame: Frames, number: int, layers: list[Layer], atoms: list[int], settings: AuditSettings, *,
    network: bool, progress: Callable[[int, int], None],
) -> dict[str, Any]:  # fmt: skip
    """Turn one frame; readouts are drawn from the seed, the layer and the atom alone, so that others change nothing."""
    names = [layer.name for layer in layers]
    base = respond(backbone, frame, names).features
    wanted: list[tuple[str, int, RandomReadout]] = []
    for layer in layers:
        scale = component_scale(base[layer.name])
        for atom in atoms:
            for kind, degree in _kinds(settings):
                rng = np.random.default_rng(
                    [settings.seed, names.index(layer.name), atom, degree or 0, len(kind)]
                )
                wanted.append((layer.name, atom, random_readout(kind, degree, scale, rng)))
    tops = {layer.name: layer.l_max for layer in layers}
    l_top = max(settings.degrees) * max(tops.values()) + _ABOVE
    found = rotation_audit(backbone, frame, names if network else [], wanted, l_top,
                           np.random.default_rng([settings.seed, number, 2]), network=network,
                           degree=rotation_degree(l_top), progress=progress)  # fmt: skip
    errors = [
        {"frame": number, "layer": name, "l_out": one.l, "parity": one.parity, "channels": one.channels,
         "size": one.size, "rms": one.rms, "largest": one.largest, "bound": one.bound,
         "inversion": one.inversion, "translation": one.translation, "by_degree": one.by_degree}
        for name, blocks in found.errors.items() for one in blocks
    ]  # fmt: skip
    rows = []
    for one in found.readouts:
        ceiling = None if one.readout.degree is None else one.readout.degree * tops[one.layer]
        rows.append({
            "frame": number, "layer": one.layer, "atom": one.atom, "element": frame.symbols[one.atom],
            "readout": one.readout.kind, "degree": one.readout.degree, "ceiling": ceiling, "route": one.route,
            "rotations": len(found.quadrature), "quadrature": found.quadrature.degree, "power": one.power,
            "above": None if ceiling is None else one.above(ceiling),
            "at_ceiling": None if ceiling is None else one.power[ceiling], "error": one.error,
        })  # fmt: skip
    return {"errors": errors, "readouts": rows}


def _kinds(settings: AuditSettings) -> Iterator[tuple[ReadoutKind, int | None]]:
    yield from (("polynomial", degree) for degree in settings.degrees)
    yield from ((cast(ReadoutKind, name), None) for name in settings.activations)


def _direction_row(one: Any) -> dict[str, Any]:
    width = one.bandwidth
    return {"quantity": one.quantity, "l_out": one.l_out, "parity": one.parity, "predicted": width.predicted,
            "measured": width.measured, "open": width.open, "l99": width.l99, "l9999": width.l9999,
            "decay": width.decay, "power": one.power, "total": one.total, "error": one.error}  # fmt: skip


def _model(backbone: Backbone, layers: list[Layer]) -> Mapping[str, Any]:
    info = backbone.info
    return {"source": info.source, "sha256": info.sha256, "architecture": info.architecture,
            "trained": info.trained, "parameters": info.parameters, "force_mae_eV_A": info.force_mae,
            "layers": [{"name": one.name, "irreps": one.irreps, "l_max": one.l_max} for one in layers]}  # fmt: skip
