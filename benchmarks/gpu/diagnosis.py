"""Aspirin's default diagnosis on one device, in a process of its own, and where its time goes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from .agreement import compare_runs, fit_tolerance, largest_shift
from .run import Row, Run

#: Columns and rows of the largest fit of the default run: the free readout of degree 3 of 600 training frames x 20 rotations.
_COLUMNS, _ROWS = 1_400, 12_000
_FITS = ("free readout", "equivariant readout", "controls")
_FEATURES = ("features", "backbone forces")
#: File of the profile's tables.
PROFILE = "profile.md"


def _settings(small: bool) -> Any:
    from spectral_ceilings.diagnostic.measurement.settings import DiagnoseSettings

    return (
        DiagnoseSettings(frames=80, degrees=(1, 2), atoms=(0, 13), bootstrap=100)
        if small
        else DiagnoseSettings()
    )


def diagnosed(run: Run, since: float) -> None:
    """Run the diagnosis and print its parts; ``since`` is when the process was asked for (``time.time``)."""
    from spectral_ceilings.diagnostic.backbones.loading import load_backbone
    from spectral_ceilings.diagnostic.diagnosis import diagnose
    from spectral_ceilings.diagnostic.frames.reading import read_frames
    from spectral_ceilings.diagnostic.readouts.compute import Compute

    imported = time.time()
    if run.on_gpu:
        torch.ones(1, device=run.device)
        run.wait()
    context = time.time()
    frames, backbone = read_frames("aspirin-xtb"), load_backbone("aspirin-xtb-l2")
    loaded = time.time()
    workers = torch.get_num_threads()
    folder = run.out / f"diagnosis-{torch.device(run.device).type}"
    result = diagnose(
        frames, backbone, _settings(run.small), out=folder, compute=Compute.choose(run.device, workers)
    )
    done = time.time()
    taken = result["timings_s"]
    parts = {
        "imports": imported - since,
        "context": context - imported,
        "model and data": loaded - context,
        "features": sum(taken.get(name, 0.0) for name in _FEATURES),
        "fits": sum(value for name, value in taken.items() if name.startswith(_FITS)),
        "whole": done - since,
    }
    note = json.dumps({"parts": parts, "stages": taken})
    run.give(run.memory(Row(run.step, "parts", f"{workers} workers", parts["whole"], note=note)))


def compared(run: Run, rows: dict[str, dict[str, Any]], folders: tuple[Path, Path]) -> None:
    """Keep the parts of both devices side by side, and whether the two diagnoses agree."""
    notes = [json.loads(rows[name]["note"]) for name in ("device", "cpu")]
    device, cpu = (note["parts"] for note in notes)
    for part in device:
        row = Row(
            run.step, f"diagnosis: {part}", "default" if not run.small else "small", device[part], cpu[part]
        )
        if part == "fits":
            row.target, row.met = "fits >= 20x", (row.ratio or 0.0) >= 20.0
        if part == "whole":
            row.device_mb, row.rss_mb = rows["device"]["device_mb"], rows["device"]["rss_mb"]
            start = sum(device[name] for name in ("imports", "context", "model and data"))
            row.target, row.met = "bounded by start-up", start >= 0.5 * device["whole"]
            row.note = f"start-up {start:.1f} s"
        run.rows.append(row)
    stages = Row(run.step, "diagnosis: longest stages, device and CPU", "")
    stages.note = longest_stages(*(note["stages"] for note in notes))
    run.rows.append(stages)
    allowed = fit_tolerance(_COLUMNS, _ROWS)
    found = compare_runs(*folders, allowed)
    one, other = (json.loads((folder / "result.json").read_text(encoding="utf-8")) for folder in folders)
    row = Row(run.step, "diagnosis: results", "recovery.csv and result.json").compared(
        largest_shift(one, other), allowed
    )
    row.agrees = not found
    row.note = f"{len(found)} differences" + "".join(f"; {each}" for each in found[:3])
    run.rows.append(row)


def longest_stages(device: Mapping[str, float], cpu: Mapping[str, float], most: int = 8) -> str:
    """Return where a diagnosis spends its time, in its own words: the stages that take longest on the device."""
    listed = sorted(device, key=lambda name: -device[name])[:most]
    return "; ".join(f"{name} {device[name]:.2f} and {cpu.get(name, 0.0):.2f} s" for name in listed)


def profile(run: Run) -> None:
    """Profile a part of the diagnosis; write the top operations and say what waits for the device."""
    from torch.profiler import ProfilerActivity

    from spectral_ceilings.diagnostic.backbones.loading import load_backbone
    from spectral_ceilings.diagnostic.diagnosis import diagnose
    from spectral_ceilings.diagnostic.frames.reading import read_frames
    from spectral_ceilings.diagnostic.measurement.settings import DiagnoseSettings
    from spectral_ceilings.diagnostic.readouts.compute import Compute

    frames, backbone = read_frames("aspirin-xtb"), load_backbone("aspirin-xtb-l2")
    # Events are parsed one by one afterwards, which takes longer than the run: one atom and one signal are enough.
    size = 80 if run.small else 300
    settings = DiagnoseSettings(
        frames=size, degrees=(2,), atoms=(0,), l_top=5, injections=("marked",), bootstrap=100, controls=False
    )
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if run.on_gpu else [])]
    diagnose(frames, backbone, settings, compute=Compute.choose(run.device, 1))
    run.wait()
    with torch.profiler.profile(activities=kinds) as profiler:
        start = time.perf_counter()  # the profiler itself takes seconds to begin and to end
        diagnose(frames, backbone, settings, compute=Compute.choose(run.device, 1))
        run.wait()
        spent = time.perf_counter() - start
    print(f"profiled {spent:.1f} s", file=sys.stderr, flush=True)
    events = profiler.key_averages()
    seen = any(float(getattr(event, "self_device_time_total", 0.0)) > 0.0 for event in events)
    by = "self_device_time_total" if seen else "self_cpu_time_total"
    table = events.table(sort_by=by, row_limit=40, max_name_column_width=60)
    (run.out / "profile.txt").write_text(f"{spent:.2f} s\n{table}\n", encoding="utf-8")
    waits = host_waits(events)
    (run.out / PROFILE).write_text(where_time_goes(events, waits, spent, by), encoding="utf-8")
    waiting = sum(seconds for _, seconds in waits.values())
    inside = sum(event.self_cpu_time_total for event in events) / 1e6
    busy = sum(float(getattr(event, "self_device_time_total", 0.0)) for event in events) / 1e6
    row = run.memory(Row(run.step, "profile", f"{size} frames, degree 2, one atom", spent))
    row.note = (
        f"outside of torch {100 * max(0.0, 1 - inside / spent):.0f} %, {sum(n for n, _ in waits.values())} copies and waits "
        f"{100 * waiting / spent:.0f} %, device busy {100 * busy / spent:.0f} %; {PROFILE}"
    )
    if run.on_gpu and not seen:  # as in a container without the right to the counters of the card
        row.note = f"the profiler saw no kernel of the card: times are those of the host; {row.note}"
    run.give(row)


def host_waits(events: Sequence[Any]) -> dict[str, tuple[int, float]]:
    """Return (number, seconds of the host) of what waits for a card: synchronisations by name, copies to the host, questions.

    On a card ``cudaStreamSynchronize`` is where the host really stands still; ``aten::_local_scalar_dense`` is the question for a
    number that makes it do so, and ``Memcpy DtoH`` the copy behind both.
    """
    names = ("Synchronize", "Memcpy DtoH", "_local_scalar_dense", "aten::nonzero", "aten::_to_copy")
    return {
        event.key: (event.count, event.self_cpu_time_total / 1e6)
        for event in events
        if any(name in event.key for name in names)
    }


def where_time_goes(
    events: Sequence[Any], waits: Mapping[str, tuple[int, float]], spent: float, by: str, most: int = 15
) -> str:
    """Return two tables: the operations that take longest, with their share of ``spent`` seconds, and the waits."""
    lines = [
        f"where {spent:.2f} s go ({by})",
        "",
        "| operation | calls | s | share |",
        "| --- | --- | --- | --- |",
    ]
    for event in sorted(events, key=lambda event: -float(getattr(event, by)))[:most]:
        seconds = float(getattr(event, by)) / 1e6
        lines.append(f"| {event.key[:60]} | {event.count} | {seconds:.3f} | {100 * seconds / spent:.1f} % |")
    lines += ["", "| the host waits in | times | s |", "| --- | --- | --- |"]
    lines += [
        f"| {name[:60]} | {count} | {seconds:.3f} |" for name, (count, seconds) in sorted(waits.items())
    ]
    if not any("Synchronize" in name for name in waits):
        lines.append("| cudaStreamSynchronize | 0 | 0.000 |")
    return "\n".join(lines) + "\n"
