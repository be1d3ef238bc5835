"""The sections of the report on what was measured, what was checked before, and how to repeat it."""

from __future__ import annotations

from markupsafe import Markup

from ..measurement.result import Result, no_ceiling, pooled
from ..pages.frame import Fold, Paragraph, Part, Repeat
from ..pages.tables import Cell, Column, Facts, Table, numbers
from ..pages.text import MISSING, architecture, code, flat, prose, setting, significant, subscripts, thousands
from ..records.plain import field
from .first_screen import overruled

#: Fields of ``data`` that a result may have besides those that it must have, in eV/Å.
_FORCES = {"residual_rms_eV_A": "Left by the model, RMS", "amplitude_eV_A": "Injected, RMS"}

#: The files of a run that a reader may want beside the page.
_FILES = (
    ("result.json", "every number, for programs"),
    ("recovery.csv", "the rows of the recovery table, for a spreadsheet"),
    ("figures/", "the figures as PNG and SVG, light, dark and narrow"),
)


#: Those of a run that keeps its structures.
_STRUCTURE_FILES = (
    ("atoms.extxyz", "the atoms with what was recovered at each, for OVITO and ase gui"),
    ("environments.csv", "the same atom by atom, for a spreadsheet"),
)


def model_facts(result: Result) -> list[Part]:
    """Return what was measured: the model, its layers and its training record."""
    model = result["model"]
    trained = {True: ", trained", False: ", untrained", None: ""}[model["trained"]]
    entries = [
        ("Model", f"{architecture(model['architecture'])}{trained}"),
        ("Source", str(model["source"])),
        ("SHA-256", code(model["sha256"])),
        ("Parameters", thousands(model["parameters"])),
        ("Layer measured", str(model["layer"])),
        ("Its features", _features(result)),
        *_force_errors(result),
    ]
    parts: list[Part] = [Facts("table-model", "The model.", entries)]
    columns: list[Column | str] = ["layer", "features", *numbers("max ℓ"), "usable", Column("why", "reason")]
    rows: list[list[Cell | str]] = [
        [
            Markup("{}<br>(measured)").format(layer["name"]) if layer["name"] == model["layer"] else str(layer["name"]),
            Cell(code(layer["irreps"]), kind="irreps") if layer["irreps"] else "none declared",
            str(int(layer["l_max"])) if layer["irreps"] else MISSING,
            "yes" if layer["usable"] else "no",
            prose(layer["why"]),
        ]
        for layer in model["layers"]
    ]  # fmt: skip
    if rows:
        parts.append(Table("table-layers", "The layers of the model.", columns, rows))
    if model["training"]:
        record = Facts("table-training", "How the model was trained.", flat(model["training"]))
        parts.append(Fold("Training record", [record]))
    return parts


def _features(result: Result) -> str:
    model = result["model"]
    if no_ceiling(result):
        return "numbers of which no symmetry is declared"
    return Markup("<code>{}</code>, up to ℓ = {}").format(model["irreps"], model["l_max"])


def _force_errors(result: Result) -> list[tuple[str, str]]:
    """Return the error of the model's forces on these frames, and the one that was recorded when it was trained."""
    recorded, measured = result["model"]["force_mae_eV_A"], result["checks"].get("force_error")
    words = "not known" if recorded is None else f"{recorded * 1000:.1f} meV/Å"
    if measured is None:  # a result of a version that did not measure it
        return [("Force error (MAE)", words)]
    if measured["mae_eV_A"] is None:
        return [("Force error", "the model gives no forces")]
    share = (
        "" if measured["relative"] is None else f"; in RMS {100 * measured['relative']:.3g} % of the forces"
    )
    return [
        ("Force error on these frames (MAE)", f"{measured['mae_eV_A'] * 1000:.1f} meV/Å{share}"),
        ("Force error recorded in training (MAE)", words),
    ]


def data_facts(result: Result) -> Facts:
    """Return what the model was measured on."""
    data = result["data"]
    splits = data["splits"]
    frames = f"{splits['training']:,} training, {splits['validation']:,} validation, {splits['held_out']:,} held out"
    more = [
        (str(key), f"{int(count):,}")
        for key, count in splits.items()
        if key not in ("training", "validation", "held_out")
    ]
    # Without forces of the model nothing is left by it: readouts are then fitted to the forces of the frames themselves.
    silent = "force_error" in result["checks"] and result["checks"]["force_error"]["mae_eV_A"] is None
    entries: list[tuple[str, str]] = [
        _what(result),
        ("Source", str(data["source"])),
        ("SHA-256", code(data["sha256"])),
        ("Units", setting(data["units"])),
        ("Rows of the largest pool" if pooled(result) else "Frames", frames),
        *more,
        ("Force RMS", f"{data['force_rms_eV_A']:.3f} eV/Å"),
        *(
            (name, f"{field(data, key):.3f} eV/Å")
            for key, name in _FORCES.items()
            if data.get(key) is not None and not (silent and key == "residual_rms_eV_A")
        ),
        *(
            (f"Overruled, {number}" if number > 1 else "Overruled", prose(words))
            for number, words in enumerate(overruled(result), 1)
        ),
    ]
    if data.get("note"):
        entries.append(("Note", prose(data["note"])))
    return Facts("table-data", "The structures." if pooled(result) else "The frames.", entries)


def _what(result: Result) -> tuple[str, str]:
    data = result["data"]
    if pooled(result):
        return "Structures", f"{data['structures']:,} of {subscripts(data['formula'])}"
    return "Molecule", f"{subscripts(data['formula'])}, {len(data['numbers'])} atoms"


def checks(result: Result) -> list[Part]:
    """Return the checks that came before the measurement."""
    measured, allowed = result["checks"]["equivariance_error"], result["checks"]["equivariance_tolerance"]
    word = "below" if measured <= allowed else "above"
    turned = " The network was run on every turned frame." if result.get("method") == "turned" else ""
    what = "structures" if pooled(result) else "the molecule"
    parts: list[Part] = [
        Paragraph(
            f"Rotating {what} and rotating the features agree to {significant(measured)} (relative), {word} "
            f"{'the allowed ' if not turned else ''}{significant(allowed)}.{turned}"
        )
    ]
    if no_ceiling(result):
        parts = [Paragraph(turned.strip())]
    if result["checks"].get("parity_sentence"):
        parts.append(Paragraph(prose(result["checks"]["parity_sentence"])))
    purity = result["checks"]["purity"]
    if purity:
        worst = max(purity, key=lambda entry: float(entry["power_elsewhere"]))
        parts.append(
            Paragraph(
                "Every injected field was measured to have one ℓ only: the largest part of its power at any other ℓ is "
                f"{significant(worst['power_elsewhere'])} ({worst['injection']}, ℓ = {int(worst['l'])})."
            )
        )
    return parts


def repetition(result: Result) -> Repeat:
    """Return the command, the seed, the settings, the versions and the timings."""
    return Repeat(
        command=str(result["command"]),
        seed=int(result["seed"]),
        settings=result["settings"],
        versions=result["versions"],
        timings=result["timings_s"],
        files=(*_FILES[:2], *_STRUCTURE_FILES, *_FILES[2:]) if result.get("structures") else _FILES,
    )
