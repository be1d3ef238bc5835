"""What every check is given: the data asked for, the seed, the effort, and diagnoses that checks share."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ..diagnostic.backbones.backbone import Backbone
from ..diagnostic.frames.frames import Frames
from ..diagnostic.frames.reading import embedded_frames, read_frames
from ..diagnostic.measurement.settings import DiagnoseSettings
from ..diagnostic.records.files import sha256_of, write_whole
from ..theory.errors import InputError
from .registry import MAIN_PAPER
from .remember import Remembering

#: Molecules of the paper's table, with benzene, which rMD17 has too.
MOLECULES = ("aspirin", "ethanol", "malonaldehyde", "toluene", "benzene")


@cache
def package_digest() -> str:
    """Return the SHA-256 of the package's own sources and shipped files: what every result depends on."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for package in ("theory", "numerics", "diagnostic", "paper_checks"):
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and path.suffix in {".py", ".json", ".toml", ".npz", ".safetensors"}:
                digest.update(path.relative_to(root).as_posix().encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass
class Context:
    """Where a run of the claims works, and what it works on.

    Attributes
    ----------
    out
        Directory of the run.
    data
        ``embedded``: the frames that ship with the package; ``rmd17``: the real revised-MD17 frames, downloaded once; or
        the path of a folder that holds rMD17's npz files.
    quick
        Whether to spend about two minutes instead of about fifteen: fewer frames, atoms and repetitions.
    seed
        Seed of everything random.
    paper
        Name of the paper whose claims are checked.
    tell
        Called with one line about what is going on.
    workers
        Threads that share the atoms of a diagnosis; None: one for each core. No figure depends on it.
    """

    out: Path
    data: str = "embedded"
    quick: bool = False
    seed: int = 0
    paper: str = MAIN_PAPER
    tell: Callable[[str], None] = lambda _line: None
    workers: int | None = None
    _frames: dict[str, Frames] = field(default_factory=dict)
    _backbones: dict[str, Remembering] = field(default_factory=dict)
    _read: dict[Path, float] = field(default_factory=dict)
    _computed: float = 0.0

    def molecules(self) -> tuple[str, ...]:
        """Return the molecules that the data holds."""
        if self.data == "rmd17":
            return MOLECULES
        if self.data == "embedded":
            return tuple(name for name in MOLECULES if f"{name}-xtb" in embedded_frames())
        return tuple(n for n in MOLECULES if (Path(self.data) / f"rmd17_{n}_train_01.npz").is_file())

    def files_digest(self) -> str:
        """Return the SHA-256 of the frames in a folder of the user's own; empty for data that has a fixed content."""
        if self.data in ("embedded", "rmd17"):
            return ""
        digest = hashlib.sha256()
        for path in sorted(Path(self.data).glob("rmd17_*_01.npz")):
            digest.update(f"{path.name} {sha256_of(path)}".encode())
        return digest.hexdigest()

    def source(self, molecule: str) -> tuple[str, str | None]:
        """Return the names of a molecule's frames and of its held-out frames (None: held out of the first)."""
        if self.data == "embedded":
            return f"{molecule}-xtb", None
        if self.data == "rmd17":
            return f"rmd17:{molecule}:train:01", f"rmd17:{molecule}:test:01"
        folder = Path(self.data)
        return str(folder / f"rmd17_{molecule}_train_01.npz"), str(folder / f"rmd17_{molecule}_test_01.npz")

    def frames(self, name: str) -> Frames:
        """Return frames by name as ``read_frames`` knows them, read once."""
        if name not in self._frames:
            self._frames[name] = read_frames(name)
        return self._frames[name]

    def backbone(self, name: str, untrained: int | None = None) -> Backbone:
        """Return a backbone by name; the last one stays loaded and remembers what it gave."""
        from ..diagnostic.backbones.loading import load_backbone

        key = f"{name}/{untrained}"
        if key not in self._backbones:
            self._backbones.clear()
            self._backbones[key] = Remembering(load_backbone(name, untrained_seed=untrained))
        return self._backbones[key]

    def diagnose(
        self,
        backbone: str,
        data: str,
        settings: DiagnoseSettings,
        *,
        held_out: str | None = None,
        untrained: int | None = None,
        model: Backbone | None = None,
    ) -> Path:
        """Return the run directory of a diagnosis; claims that ask for the same one share it, and it is resumed after a kill.

        Parameters
        ----------
        backbone
            Name or path of a backbone.
        data
            Name of frames.
        held_out
            Name of held-out frames of their own.
        untrained
            Seed of random weights in place of the trained ones.
        model
            A backbone in memory that ``backbone`` names.
        """
        from ..diagnostic.diagnosis import diagnose
        from ..diagnostic.readouts.compute import Compute, one_thread

        asked = {
            "backbone": backbone,
            "data": data,
            "held_out": held_out,
            "untrained": untrained,
            "package": package_digest(),
            "files": self.files_digest(),
            **settings.to_dict(),
        }
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]
        words = (Path(backbone).name, Path(data).name)
        name = "-".join(re.sub(r"[^A-Za-z0-9.]+", "_", word) for word in words)
        path = self.out / "diagnoses" / f"{name}-{digest}"
        took = path.with_name(f"{path.name}.seconds")
        start = time.perf_counter()
        if not (path / "result.json").is_file():
            self.tell(f"diagnosing {backbone} on {Path(data).name}")
            with (
                one_thread()
            ):  # two threads of one pass wait for each other wherever something else runs beside them
                diagnose(
                    self.frames(data),
                    model or self.backbone(backbone, untrained),
                    settings,
                    held_out=None if held_out is None else self.frames(held_out),
                    untrained=False,  # a claim of its own diagnoses untrained backbones
                    out=path,
                    resume=path.exists(),
                    command="ceilings paper",
                    compute=Compute.choose(workers=self.workers),
                )
            elapsed = time.perf_counter() - start
            self._computed += elapsed
            write_whole(took, f"{elapsed:.3f}\n")
        self._read[path] = float(took.read_text(encoding="utf-8")) if took.is_file() else 0.0
        return path

    def take_times(self) -> tuple[float, float]:
        """Return the seconds of diagnoses made since the last call, and of all that were read, whoever made them; forget both."""
        times = self._computed, sum(self._read.values())
        self._computed, self._read = 0.0, {}
        return times

    def path_of(self, result: str) -> Path:
        """Return a path in the run's directory, with its parents made."""
        path = self.out / result
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def check_data(data: str) -> str:
    """Return ``data`` where it is usable.

    Raises
    ------
    InputError
        It is not ``embedded``, ``rmd17`` or a folder with the files of rMD17 aspirin.
    """
    if data in ("embedded", "rmd17"):
        return data
    needed = Path(data) / "rmd17_aspirin_train_01.npz"
    if not needed.is_file():
        raise InputError(
            f"--data is {data!r}, expected embedded, rmd17, or a folder that holds {needed.name} and the other npz files of rMD17"
        )
    return data
