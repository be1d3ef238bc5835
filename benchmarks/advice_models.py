"""Training the models of the study of advice, each in a directory of its own, resumable; and their errors on held-out frames."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.diagnostic.frames import Frames
from spectral_ceilings.diagnostic.frames.locating import locate
from spectral_ceilings.diagnostic.frames.reading_any import one_composition, read_data
from spectral_ceilings.diagnostic.training.data import split_of
from spectral_ceilings.diagnostic.training.train import Trainer, TrainingSettings, builder_settings

from .advice_plan import DATA, LEARNING_RATE, SEED, STEPS, VALIDATE_EVERY, Before, DataSet

#: The command line of the package, whatever environment it is installed in.
_CEILINGS = "from spectral_ceilings.cli.app import main; main()"


class Place:
    """Where the study keeps its files.

    Parameters
    ----------
    out
        Directory of the study.
    rmd17
        Folder of rMD17 files; None: the cache of ``ceilings data fetch``.
    """

    def __init__(self, out: Path, rmd17: Path | None = None) -> None:
        self.out, self._rmd17 = out, rmd17
        out.mkdir(parents=True, exist_ok=True)

    @property
    def predictions(self) -> Path:
        """The file of predictions."""
        return self.out / "predictions.json"

    def model(self, before: Before, change: str = "before") -> Path:
        """Directory of the model before, of a repeat or of a model after."""
        return self.out / "models" / before.name / change

    def file(self, source: str) -> Path:
        """Return the file of a data set."""
        if source.endswith(".npz"):
            return self.out / "data" / source
        if source.startswith("rmd17:") and self._rmd17 is not None:
            return self._rmd17 / f"{source.replace(':', '_')}.npz"
        return locate(source)[0]

    def frames(self, data: DataSet) -> tuple[Frames, Frames | None]:
        """Return the frames to train on and the held-out ones; None where they are a part of the former."""
        if data.generate and not self.file(data.held_out).exists():
            self.file(data.held_out).parent.mkdir(parents=True, exist_ok=True)
            words = ["data", "generate", *data.generate, "--out", str(self.file(data.held_out))]
            subprocess.run([sys.executable, "-c", _CEILINGS, *words], check=True)
        return self._read(data.training), self._read(data.held_out) if data.held_out else None

    def _read(self, source: str) -> Frames:
        return one_composition(read_data(self.file(source)), "the study")

    def held_out(self, data: DataSet) -> Frames:
        """Return the frames that no training sees, and that choose no weights."""
        frames, others = self.frames(data)
        return frames.select(split_of(frames, SEED).held_out) if others is None else others


def train(place: Place, before: Before, change: str, settings: dict[str, Any], seed: int = SEED) -> None:
    """Train a model, or go on where its training stopped, and keep its errors on the held-out frames."""
    directory = place.model(before, change)
    if (directory / "errors.npz").exists():
        return
    data = DATA[before.data]
    frames, others = place.frames(data)
    split = split_of(frames, SEED, with_held_out=others is None)
    kind = Trainer
    if before.kind == "mace":
        from spectral_ceilings.diagnostic.training.mace import MACETrainer

        kind = MACETrainer
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = kind(
            frames,
            split,
            builder_settings(frames, split, before.kind, seed=seed, **settings),
            TrainingSettings(
                steps=STEPS,
                batch_size=data.batch,
                learning_rate=LEARNING_RATE,
                validate_every=VALIDATE_EVERY,
                patience=STEPS,
                seed=seed,
            ),
            directory,
            held_out=others,
            command="python -m benchmarks.advice_study",
            kind=before.kind,
        )
        trainer.prepare(resume=directory.exists())
        mae = trainer.run()
        np.savez(directory / "errors.npz", squared=squared_errors(place, before, directory))
    print(
        f"{before.name} {change}: {1e3 * (mae or np.nan):.1f} meV/Å held out, {trained_seconds(directory):.0f} s",
        flush=True,
    )


def trained_seconds(directory: Path) -> float:
    """Return the seconds that a training took."""
    return float(load_backbone(directory).info.training["seconds"])  # type: ignore[index]


def squared_errors(place: Place, before: Before, directory: Path) -> NDArray[np.float64]:
    """Return the sum of the squared force errors of each held-out frame, ``(frames,)`` in (eV/Å)²."""
    frames = place.held_out(DATA[before.data])
    wrong = load_backbone(directory).forces(frames) - frames.forces
    return np.asarray((wrong**2).sum(axis=(1, 2)))
