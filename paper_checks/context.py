"""What every check is given: the data asked for, the seed, the effort, and diagnoses that checks share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from ..diagnostic.frames import Frames
from ..diagnostic.settings import DiagnoseSettings
from ..theory.errors import InputError

Data = Literal["embedded", "rmd17"]


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
        ``embedded``: the frames that ship with the package; ``rmd17``: the real revised-MD17 frames.
    quick
        Whether to spend about two minutes instead of about fifteen: fewer frames, atoms and repetitions.
    seed
        Seed of everything random.
    tell
        Called with one line about what is going on.
    """

    out: Path
    data: Data = "embedded"
    quick: bool = False
    seed: int = 0
    tell: Callable[[str], None] = lambda _line: None
    _frames: dict[str, Frames] = field(default_factory=dict)

    def frames(self, name: str) -> Frames:
        """Return frames by name as ``read_frames`` knows them, read once."""
        from ..diagnostic.reading import read_frames

        if name not in self._frames:
            self._frames[name] = read_frames(name)
        return self._frames[name]

    def diagnosis(
        self, backbone: str, data: str, settings: DiagnoseSettings, *, held_out: str | None = None, untrained: int | None = None
    ) -> dict[str, Any]:  # fmt: skip
        """Return the result of ``diagnose``; claims that ask for the same one share it, and it is resumed after a kill.

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
        """
        from ..diagnostic.checkpoint import load_backbone
        from ..diagnostic.diagnosis import diagnose

        settings = replace(settings, seed=self.seed)
        asked = {
            "backbone": backbone,
            "data": data,
            "held_out": held_out,
            "untrained": untrained,
            "package": package_digest(),
            **settings.to_dict(),
        }
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]
        words = "-".join(
            str(word).replace("/", "_").replace(":", "_") for word in (Path(backbone).name, Path(data).name)
        )
        path = self.out / "diagnoses" / f"{words}-{digest}"
        if (path / "result.json").is_file():
            return dict(json.loads((path / "result.json").read_text(encoding="utf-8")))
        self.tell(f"diagnosing {backbone} on {data}")
        return diagnose(
            self.frames(data),
            load_backbone(backbone, untrained_seed=untrained),
            settings,
            held_out=None if held_out is None else self.frames(held_out),
            out=path,
            resume=path.exists(),
            command="ceilings paper",
        )

    def path_of(self, result: str) -> Path:
        """Return a path in the run's directory, with its parents made."""
        path = self.out / result
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def check_data(data: str) -> Data:
    """Return ``data`` where it is known.

    Raises
    ------
    InputError
        It is not ``embedded`` or ``rmd17``.
    """
    if data not in ("embedded", "rmd17"):
        raise InputError(f"--data is {data!r}, expected embedded or rmd17")
    return data  # type: ignore[return-value]
