"""Does advice tell what training would do? Models before and after one change, each change predicted before it is trained.

``python -m benchmarks.advice_study --out DIR [--only nequip,ethanol] [--rmd17 FOLDER] STAGE...``, with the stages

``before``   train the models that advice is asked about, and repeats of them with another seed;
``predict``  ask advice about each of them, and write ``predictions.json``; refused for a model of which an "after" exists;
``after``    train each model after one change, with the same budget; refused without its prediction;
``repeat``   train the models after once more with the other seed;
``again``    ask advice once more with the version of now, after training: ``again.json``, for comparison only;
``collect``  lay the predictions beside the changes of the squared force error, as a table and a figure.

A stage that was stopped goes on where it was. MACE lives in an environment of its own: run the stages up to ``repeat`` in each
environment, with ``--only nequip,allegro`` and with ``--only mace``, and ``collect`` once.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.records.plain import to_json
from spectral_ceilings.theory.errors import InputError

from .advice_models import Place, train
from .advice_plan import DATA, OTHER_SEED, STUDY, Before, chosen
from .advice_table import PREDICTORS, Row, correlation, realised, sentence, spread_of_seeds, write

if TYPE_CHECKING:
    from spectral_ceilings.diagnostic.advice import AdviceSettings

STAGES = ("before", "predict", "after", "repeat", "again", "collect")
#: What a training with the other seed is called.
REPEAT = "-repeat"
#: Held-out structures that advice is asked about, at most.
STRUCTURES = 600
#: Fields of a knob's advice that go into a row, of the default settings and of the matched ones.
NUMBERS = ("gain", "low", "high", "unique", "unique_low", "unique_high", "of_target", "unique_of_target")
MATCHED = ("of_target", "unique_of_target")


def train_before(place: Place, befores: Sequence[Before]) -> None:
    """Train the models before, and then the repeats."""
    for before in befores:
        train(place, before, "before", before.settings)
    for before in befores:
        train(place, before, "repeat", before.settings, OTHER_SEED)


def predictions(place: Place) -> dict[str, Any]:
    """Return what was predicted so far, by the name of the model."""
    return json.loads(place.predictions.read_text()) if place.predictions.exists() else {}


def predict(place: Place, befores: Sequence[Before]) -> None:
    """Ask advice about each model before, and write down what it says.

    Raises
    ------
    InputError
        A model after exists of one that has no prediction yet.
    """
    for before in befores:
        if before.name in predictions(place):
            continue
        for change in before.changes:
            if place.model(before, change).exists():
                raise InputError(
                    f"{before.name} is trained with {change} already, and its prediction would come after; give another --out"
                )
        entry = asked(place, before)
        with FileLock(place.predictions.with_suffix(".lock")):
            place.predictions.write_text(
                json.dumps({**predictions(place), before.name: entry}, indent=1) + "\n"
            )
        print(f"{before.name}: {entry['default']['verdict']['sentence']}", flush=True)


def asked(place: Place, before: Before) -> dict[str, Any]:
    """Return what advice says of a model before, with both settings."""
    from spectral_ceilings.diagnostic.advice import advise_data

    backbone, started = load_backbone(place.model(before)), time.perf_counter()
    frames = place.held_out(DATA[before.data])
    advice = {
        name: json.loads(to_json(advise_data(frames, backbone, settings)))
        for name, settings in settings_of(before).items()
    }
    return {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - started, 1),
        "weights_sha256": backbone.info.sha256,
        "advice_sha256": version_of_advice(),
        **advice,
    }


def ask_again(place: Place, befores: Sequence[Before]) -> None:
    """Ask advice about the models once more, with the version of now, and write ``again.json``: these predict nothing."""
    path = place.out / "again.json"
    for before in befores:
        with FileLock(path.with_suffix(".lock")):
            known = json.loads(path.read_text()) if path.exists() else {}
        if (
            before.name in predictions(place)
            and known.get(before.name, {}).get("advice_sha256") != version_of_advice()
        ):
            entry = asked(place, before)
            with FileLock(path.with_suffix(".lock")):
                known = json.loads(path.read_text()) if path.exists() else {}
                path.write_text(json.dumps({**known, before.name: entry}, indent=1) + "\n")


def version_of_advice() -> str:
    """Return the SHA-256 of the sources of the advice, which says by which version a prediction was made."""
    import spectral_ceilings.diagnostic.advice as room

    files = sorted(Path(str(room.__file__)).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def settings_of(before: Before) -> dict[str, AdviceSettings]:
    """Return the settings of advice: as users get it, and with knobs that reach as far as the changes that are trained."""
    from spectral_ceilings.diagnostic.advice import AdviceSettings

    default = AdviceSettings(structures=STRUCTURES)
    return {"default": default, "matched": replace(default, farther=1.0, top=before.settings["l_max"] + 1)}


def train_after(place: Place, befores: Sequence[Before], *, again: bool = False) -> None:
    """Train the models after one change, with the seed of the models before or, ``again``, with the other.

    Raises
    ------
    InputError
        There is no prediction of a model yet.
    """
    written = predictions(place)
    for before in befores:
        if before.name not in written:
            raise InputError(f"{before.name} has no prediction yet; run the stage 'predict' first")
        for change in before.changes:
            if again:
                train(place, before, change + REPEAT, before.after(change), OTHER_SEED)
            else:
                train(place, before, change, before.after(change))


def _errors(place: Place, before: Before, *names: str) -> list[NDArray[np.float64]]:
    files = [place.model(before, name) / "errors.npz" for name in names]
    return [np.load(file)["squared"] for file in files if file.exists()]


def rows_of(place: Place, written: dict[str, Any]) -> tuple[list[Row], float]:
    """Return a row for every change that was predicted and trained, and the spread of the logarithm of the error over seeds."""
    rng = np.random.default_rng(0)
    rows, repeats = [], []
    for before in STUDY:
        alike = _errors(place, before, "before", "repeat")
        if len(alike) == 2:
            repeats.append((float(alike[0].sum()), float(alike[1].sum())))
        if before.name not in written:
            continue
        default, matched = (
            {knob["knob"]: knob for knob in written[before.name][name]["knobs"]}
            for name in ("default", "matched")
        )
        components = place.held_out(DATA[before.data]).forces[0].size
        for change, (knob, _) in before.changes.items():
            after = _errors(place, before, change, change + REPEAT)
            if not after:
                continue
            if len(after) == 2:
                repeats.append((float(after[0].sum()), float(after[1].sum())))
            seeds = min(len(alike), len(after))
            sizes = [
                1e3 * float(np.sqrt(np.mean(each) / components)) for each in (alike[:seeds], after[:seeds])
            ]
            predicted = [float(default[knob][name]) for name in NUMBERS]
            predicted += [float(matched[knob][name]) for name in MATCHED]
            removed = realised(alike[:seeds], after[:seeds], rng)
            rows.append(
                Row(before.name, before.data, before.kind, change, knob, *predicted, *sizes, *removed, seeds)
            )
    return rows, spread_of_seeds(repeats)


def collect(place: Place) -> None:
    """Write the table and the figure, and print what the ranks agree to.

    Raises
    ------
    InputError
        Nothing is trained yet.
    """
    rows, spread = rows_of(place, predictions(place))
    if not rows:
        raise InputError("no model after is trained yet; run the stages 'predict' and 'after' first")
    origin: dict[str, Any] = {"predictions": shortened(predictions(place))}
    path = place.out / "again.json"
    if path.exists():
        known = json.loads(path.read_text())
        later, _ = rows_of(place, known)
        origin["again"] = {
            "advice_sha256": sorted({entry["advice_sha256"] for entry in known.values()}),
            "correlations": [correlation(later, name) for name in PREDICTORS], "rows": [asdict(row) for row in later],
        }  # fmt: skip
    write(place.out, rows, spread, origin)
    for entry in origin.get("again", {}).get("correlations", []):
        print(f"asked again after training, {sentence(entry)}")
    print((place.out / "advice-study.md").read_text())


def shortened(written: dict[str, Any]) -> dict[str, Any]:
    """Return predictions without the parts by l, element and atom."""
    kept = ("basis", "target", "knobs", "together", "verdict")
    return {
        model: {
            name: {part: value[part] for part in kept} if isinstance(value, dict) else value
            for name, value in entry.items()
        }
        for model, entry in written.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stages that are named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stages", nargs="+", choices=STAGES, metavar="STAGE", help=", ".join(STAGES))
    parser.add_argument("--out", type=Path, required=True, help="directory of the study")
    parser.add_argument(
        "--only", default="", help="models before whose names hold one of these words, mace,ethanol"
    )
    parser.add_argument("--rmd17", type=Path, help="folder of the files of rMD17; default: downloaded once")
    given = parser.parse_args(arguments)
    place, befores = Place(given.out, given.rmd17), list(chosen(given.only))
    try:
        for stage in given.stages:
            if stage == "before":
                train_before(place, befores)
            elif stage == "predict":
                predict(place, befores)
            elif stage == "again":
                ask_again(place, befores)
            elif stage == "collect":
                collect(place)
            else:
                train_after(place, befores, again=stage == "repeat")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
