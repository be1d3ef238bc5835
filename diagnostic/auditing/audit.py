"""The audit of a backbone: exact spectra of its features and readouts under rotation, and in one direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from ...theory.errors import InputError
from ..backbones.backbone import Backbone
from ..backbones.equivariance import check_equivariance
from ..backbones.features import Layer
from ..frames.frames import Frames
from ..frames.structures import Structures
from ..records.devices import choose_device, device_versions
from ..records.files import write_whole
from ..records.parts import Parts
from ..records.plain import plain, to_json
from ..records.progress import Progress, silent
from ..records.versions import audit_versions
from .bandwidth import Graph
from .direction_spectrum import LEAST_ATOMS, DirectionSpectrum, direction_spectra
from .frame_rows import feature_rows, turned_rows
from .moving import Moving, moving_in
from .result import AUDIT_SCHEMA, AuditSettings, write_spectra
from .result_object import Audit
from .result_types import AuditResult
from .subjects import Subject, formula_of, subjects_of
from .verdict import audit_verdict


def audit(
    frames: Frames | Structures,
    backbone: Backbone,
    settings: AuditSettings | None = None,
    *,
    untrained: Backbone | None = None,
    out: Path | None = None,
    resume: bool = False,
    command: str = "spectral_ceilings.diagnostic.audit(...)",
    progress: Progress | None = None,
    device: str = "cpu",
) -> Audit:
    """Measure which degrees a model's features, their readouts and its outputs hold, against the ceilings of theory.

    Parameters
    ----------
    frames
        Frames of one molecule or crystal, Å; forces are not used. Or structures of any kind, of which the first that holds
        each element is looked at.
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
    device
        Where the models run: ``cpu``, ``cuda``, ``cuda:1``, or ``auto``. Spectra are summed on the CPU, in float64.

    Returns
    -------
    Audit
        A mapping with the content of ``result.json``, schema ``spectral-ceilings/audit/1``.

    Raises
    ------
    InputError
        Before any long work: unknown elements, layer or atoms, features that are zero or follow another convention than
        e3nn's, a run directory that exists.
    """
    settings = settings or AuditSettings()
    report = progress or silent
    device = str(choose_device(device))
    backbone.to(device)
    plan = _check(frames, backbone, settings, untrained, resume)
    parts = Parts.open(out, _asked(frames, backbone, settings, plan), resume)
    for model in plan.models.values():
        model.to(device)
    rows = _Measurement(settings, plan, parts, report, device).rows()
    result = _assemble(frames, backbone, settings, plan, rows, command, parts.timings, device)
    if parts.run:
        report("report", 0, 0)
        _write(result, parts.run.path)
    return Audit(result)


@dataclass(frozen=True)
class _Plan:
    """What an audit measures, once its settings are checked against the model and the molecule.

    Attributes
    ----------
    layers
        Layers.
    subjects
        Frames that are turned, with the atoms whose features are read.
    shares
        Frames over which the shares of irreps are averaged.
    moving
        The frame in which a neighbour moves, the pair, and the numbers of both in the frame given; None where ``directions``
        is not asked for.
    models
        The model as ``given``, and ``untrained`` where there is one to compare with.
    """

    layers: list[Layer]
    subjects: list[Subject]
    shares: list[Frames]
    moving: Moving | None
    models: dict[str, Backbone]

    @property
    def names(self) -> list[str]:
        """Names of the layers."""
        return [layer.name for layer in self.layers]


def _check(
    frames: Frames | Structures,
    backbone: Backbone,
    settings: AuditSettings,
    untrained: Backbone | None,
    resume: bool,
) -> _Plan:
    """Check everything that can be wrong before any long work; InputError as for ``audit``."""
    layers, subjects = _layers(backbone, settings.layer), subjects_of(frames, settings)
    for subject in subjects:
        backbone.check_elements(subject.frame)
    every = [frames] if isinstance(frames, Frames) else [subject.frame for subject in subjects]
    if not resume:  # what is resumed has passed
        names = [layer.name for layer in layers]
        for some in every[:3]:
            rng = np.random.default_rng([settings.seed, 5])
            check_equivariance(backbone, some.select(slice(0, 3)), names, rng, approximate=True)
    moving = None
    if "directions" in settings.parts:
        still = frames.select([0]) if isinstance(frames, Frames) else _most_atoms(subjects)
        moving = moving_in(still, backbone.cutoff, settings.centre, settings.neighbour)
    models = {"given": backbone}
    if settings.untrained:
        control = untrained or (backbone.untrained(settings.seed) if backbone.untrained else None)
        if control is not None:
            models["untrained"] = control
    return _Plan(layers, subjects, every, moving, models)


def _most_atoms(subjects: list[Subject]) -> Frames:
    """Return the frame with most elements, and of those the one with fewest atoms that leave a neighbour room to move."""
    enough = [of.frame for of in subjects if len(of.frame.numbers) >= LEAST_ATOMS or of.frame.periodic]
    return max(enough or [subjects[0].frame], key=lambda f: (len(set(f.numbers.tolist())), -len(f.numbers)))


def _asked(
    frames: Frames | Structures, backbone: Backbone, settings: AuditSettings, plan: _Plan
) -> dict[str, Any]:
    """Return everything on which the numbers depend."""
    atoms: Any = plan.subjects[0].atoms
    if not isinstance(frames, Frames):
        atoms = {str(subject.number): subject.atoms for subject in plan.subjects}
    return {**settings.to_dict(), "atoms": atoms, "backbone_sha256": backbone.info.sha256,
            "backbone": backbone.info.source, "models": list(plan.models), "data_sha256": frames.sha256,
            "version": audit_versions()["spectral-ceilings"]}  # fmt: skip


@dataclass(frozen=True)
class _Measurement:
    """The parts of an audit, each computed once."""

    settings: AuditSettings
    plan: _Plan
    parts: Parts
    report: Progress
    device: str

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of ``features``, ``equivariance``, ``readouts`` and ``directions`` of every model."""
        rows: dict[str, list[dict[str, Any]]] = {
            "features": [], "equivariance": [], "readouts": [], "directions": [],
        }  # fmt: skip
        for label, model in self.plan.models.items():
            if "features" in self.settings.parts:
                rows["features"] += self._features(label, model)
            if "readouts" in self.settings.parts:
                for subject in self.plan.subjects:
                    turned = self._rotations(label, model, subject)
                    rows["equivariance"] += [{"model": label, **row} for row in turned["errors"]]
                    rows["readouts"] += [{"model": label, **row} for row in turned["readouts"]]
            if self.plan.moving is not None:
                graphs: tuple[Graph, ...] = ("star", "full") if model.can_filter_edges else ("full",)
                for graph in graphs:
                    rows["directions"] += self._directions(label, model, graph, self.plan.moving)
        return rows

    def _features(self, label: str, model: Backbone) -> list[dict[str, Any]]:
        self.report(f"features, {label}", 0, 0)
        shares = self.parts.get(
            f"features/{label}", lambda: feature_rows(model, self.plan.shares, self.plan.names)
        )
        return [{"model": label, **row} for row in shares["rows"]]

    def _rotations(self, label: str, model: Backbone, subject: Subject) -> dict[str, Any]:
        # The network of the untrained model is not run on every rotation: its symmetry is the same code's.
        return self.parts.get(
            f"readouts/{label}/{subject.number}",
            lambda: turned_rows(
                model, subject.frame, subject.number, self.plan.layers, subject.atoms, self.settings,
                network=label == "given", progress=partial(self.report, f"rotations, {label}, frame {subject.number}"),
                device=self.device,
            ),
        )  # fmt: skip

    def _directions(self, label: str, model: Backbone, graph: Graph, moving: Moving) -> list[dict[str, Any]]:
        def measure() -> dict[str, Any]:
            spectra = direction_spectra(
                model, moving.frame, moving.pair, self.plan.names, graph, self.settings.l_top,
                np.random.default_rng([self.settings.seed, 3]),
                progress=partial(self.report, f"directions, {label}, {graph} graph"),
            )  # fmt: skip
            return {"rows": [_direction_row(spectrum) for spectrum in spectra]}

        head = {"model": label, "graph": graph, "centre": moving.centre, "neighbour": moving.neighbour}
        return [{**head, **row} for row in self.parts.get(f"directions/{label}/{graph}", measure)["rows"]]


def _assemble(
    frames: Frames | Structures, backbone: Backbone, settings: AuditSettings, plan: _Plan, rows: dict[str, list[dict[str, Any]]],
    command: str, timings: dict[str, float], device: str,
) -> AuditResult:  # fmt: skip
    """Return the content of ``result.json``."""
    moving = plan.moving
    result: dict[str, Any] = {
        "schema": AUDIT_SCHEMA,
        "command": command,
        "model": _model(backbone, plan.layers),
        "data": {"source": frames.source, "sha256": frames.sha256, "formula": formula_of(frames, plan.subjects),
                 "numbers": frames.numbers.tolist() if isinstance(frames, Frames) else [],
                 "frames": [subject.number for subject in plan.subjects]},
        "settings": settings.to_dict(),
        "seed": settings.seed,
        "versions": audit_versions() | device_versions(device),
        "timings_s": timings,
        "features": rows["features"],
        "equivariance": rows["equivariance"],
        "readouts": rows["readouts"],
        "moving": None if moving is None else {"centre": moving.centre, "neighbour": moving.neighbour,
                                               "elements": list(moving.elements),
                                               "distance": moving.pair.distance, "clearance": moving.pair.clearance},
        "directions": rows["directions"],
    }  # fmt: skip
    result["verdict"] = audit_verdict(result)
    return cast(AuditResult, plain(result, "result"))


def _write(result: AuditResult, folder: Path) -> None:
    from .figures import write_audit_figures
    from .report import write_audit_report

    write_spectra(result, folder / "spectra.csv")
    write_whole(folder / "result.json", to_json(result, "result"))
    write_audit_figures(result, folder)
    write_audit_report(result, folder)


def _layers(backbone: Backbone, name: str) -> list[Layer]:
    layers = backbone.layers()
    if name == "all":
        return layers
    chosen = [layer for layer in layers if layer.name == name]
    if not chosen:
        names = ", ".join(layer.name for layer in layers)
        raise InputError(f"no layer {name!r} in {backbone.info.source}; give one of {names}, or all")
    return chosen


def _direction_row(spectrum: DirectionSpectrum) -> dict[str, Any]:
    width = spectrum.bandwidth
    return {"quantity": spectrum.quantity, "l_out": spectrum.l_out, "parity": spectrum.parity,
            "predicted": width.predicted, "measured": width.measured, "open": width.open, "l99": width.l99,
            "l9999": width.l9999, "decay": width.decay, "power": spectrum.power, "total": spectrum.total,
            "error": spectrum.error, "floor": width.floor}  # fmt: skip


def _model(backbone: Backbone, layers: list[Layer]) -> Mapping[str, Any]:
    info = backbone.info
    return {"source": info.source, "sha256": info.sha256, "architecture": info.architecture,
            "trained": info.trained, "parameters": info.parameters, "force_mae_eV_A": info.force_mae,
            "layers": [{"name": layer.name, "irreps": layer.irreps, "l_max": layer.l_max} for layer in layers],
            "builder": dict(info.builder),
            **({"approximation": backbone.approximation} if backbone.approximation else {})}  # fmt: skip
