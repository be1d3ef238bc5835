"""The main job: what readouts of a backbone's features recover of an injected field of one l, against the ceiling.

Five steps: check, prepare, measure, assemble, write. Each is a public function whose input and output are dataclasses; the
first four stand in the room ``measurement``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ase import Atoms

from .backbones.backbone import Backbone
from .frames.ase_structures import data_from_ase
from .frames.frames import Frames
from .frames.selection import asks_more
from .frames.structures import Structures
from .measurement.assembling import assemble, places
from .measurement.checking import Checked, check
from .measurement.controls import untrained_features
from .measurement.kept_structures import keep_structures
from .measurement.measuring import Measured, measure
from .measurement.preparing import prepare
from .measurement.progress import RunProgress
from .measurement.result_files import write_result
from .measurement.result_types import DiagnosisResult
from .measurement.saved_arrays import forget_arrays
from .measurement.saved_errors import write_errors
from .measurement.settings import DiagnoseSettings
from .measurement.sources import BackboneOutputs, FeatureSource
from .measurement.structure_files import write_structure_files
from .measurement.turned import KEPT
from .measurement.turned_outputs import turned_outputs, turned_twin
from .readouts.compute import Compute
from .records.progress import Progress
from .records.run_directory import RunDirectory
from .report.depiction import depict
from .report.figures import write_figures
from .report.report import write_report
from .report.result_object import Diagnosis


def diagnose(
    frames: Frames | Structures | Sequence[Atoms],
    backbone: Backbone,
    settings: DiagnoseSettings | None = None,
    *,
    held_out: Frames | Structures | Sequence[Atoms] | None = None,
    untrained: Callable[[int], Backbone] | Literal[False] | None = None,
    out: Path | None = None,
    resume: bool = False,
    command: str = "spectral_ceilings.diagnostic.diagnose(...)",
    progress: Progress | None = None,
    compute: Compute | None = None,
) -> Diagnosis:
    """Measure what is recovered of an injected field of one pure l, for every l, and compare it with the ceiling.

    Parameters
    ----------
    frames
        Frames of one molecule, Å and eV/Å: measured atom by atom. Or structures of any kind (crystals, mixed sets), or frames
        with cells: then environments are pooled by element. A list of ASE Atoms is either, by what it holds, with forces from
        their calculators.
    backbone
        The frozen model.
    settings
        What to measure; None: the defaults.
    held_out
        Frames from a file of their own that nothing is chosen on.
    untrained
        Builds the same architecture with random weights from a seed, for the control. None: ``backbone.untrained``, where
        the backbone has it; False: that control is left out.
    out
        Run directory to write; None: only return the result.
    resume
        Take up ``out`` where an earlier run of the same settings stopped.
    command
        The command that repeats this run; goes into the report.
    progress
        Called with (what, done, total): what is being done, the number of finished cells (one fit or one element's fits),
        and how many there will be, 0 before that is known.
    compute
        Device and workers; None: one worker on the CPU.

    Returns
    -------
    Diagnosis
        A mapping with the content of ``result.json`` (schema ``spectral-ceilings/diagnose/1``), its rows, data frames and plots.

    Raises
    ------
    InputError
        Before any long work: unknown elements, a layer of scalars, features that are not equivariant, too few
        frames, atoms out of range, a run directory that exists.
    """
    steps = RunProgress(progress)
    with steps.part("checks", "checks"):
        keep = settings is not None and asks_more(settings.select)
        data, others = _read(frames, keep), None if held_out is None else _read(held_out, keep)
        checked = check(data, backbone, settings, held_out=others, compute=compute)
    run = None if out is None else RunDirectory.create(out, checked.record(), resume)
    outputs = _outputs(checked, backbone, steps, run)
    with steps.part("purity", "purity of the injections"):
        prepared = prepare(checked, outputs, run)
    asked = backbone.untrained if untrained is None else (untrained or None)
    build = None if asked is None else partial(_on_device, asked, checked.compute.device)
    random = None if build is None else _twin(checked, build, outputs, steps, run)
    measured = measure(checked, prepared, outputs, untrained=random, run=run, progress=steps)
    drawing = _drawing(data) if checked.sample.names is None else {}
    result = assemble(checked, prepared, measured, command=command, seconds=steps.seconds, depiction=drawing)
    keep_structures(result, checked.sample, measured.tables)
    if run:
        with steps.part("report", "report"):
            write(checked, measured, result, run)
        forget_arrays(run, KEPT)
    return Diagnosis(result)


def _read(data: Frames | Structures | Sequence[Atoms], keep_info: bool) -> Frames | Structures:
    """Return structures in memory as data, and data as they are."""
    return data_from_ase(data, keep_info=keep_info) if isinstance(data, Sequence) else data


def _drawing(frames: Frames | Structures) -> dict[str, Any]:
    """Return the drawing of a molecule, which is of one frame; empty for structures of several kinds."""
    return depict(frames.numbers, frames.positions[0]) if isinstance(frames, Frames) else {}


def _on_device(build: Callable[[int], Backbone], device: str, seed: int) -> Backbone:
    """Return the twin of a seed, where the backbone itself is."""
    twin = build(seed)
    twin.to(device)
    return twin


def _outputs(
    checked: Checked, backbone: Backbone, steps: RunProgress, run: RunDirectory | None
) -> BackboneOutputs:
    """Return what gives features and residual: of the network run on turned frames, or run once and turned."""
    if checked.settings.turned:
        return turned_outputs(checked, backbone, steps, run)
    return BackboneOutputs(backbone, checked.sample, checked.layer, steps)


def _twin(
    checked: Checked,
    build: Callable[[int], Backbone],
    outputs: BackboneOutputs,
    steps: RunProgress,
    run: RunDirectory | None,
) -> FeatureSource:
    """Return the features of the untrained twin, made in the same way."""
    if checked.settings.turned:
        return turned_twin(checked, build, outputs, steps, run)
    return untrained_features(build, checked.sample, checked.layer, checked.settings.seed)


def write(checked: Checked, measured: Measured, result: DiagnosisResult, run: RunDirectory) -> None:
    """Write ``errors.json``, ``result.json``, ``recovery.csv``, the files of its structures, the figures and the report."""
    sample = checked.sample
    write_errors(
        run, places(measured), measured.bootstrap, measured.bootstrap_seed, sample.elements, sample.held_out_positions,
        sample.names,
    )  # fmt: skip
    write_result(result, run.path)
    write_structure_files(result, run.path)
    write_figures(result, run.path)
    write_report(result, run.path)
