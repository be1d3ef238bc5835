"""The run directory: results that appear whole or not at all, and are never destroyed.

A run directory holds ``settings.json`` (what was asked, with its hash), ``cells/`` (finished parts, one JSON
file each, so that an interrupted run goes on where it stopped), and at the end ``result.json``,
``recovery.csv``, ``figures/`` and ``report.html``. Every file is written beside its place and moved there in
one step. One process at a time writes into a run directory; a run that ends before its first part is finished leaves none.
"""

from __future__ import annotations

import hashlib
import json
import re
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...theory.errors import InputError
from .files import write_whole
from .locks import Hold, came_to_nothing
from .plain import plain, to_json

_SETTINGS_SCHEMA = "spectral-ceilings/run/1"
_CELL_SCHEMA = "spectral-ceilings/cell/1"
_SETTINGS = "settings.json"
#: Longest value of a setting that an error shows in full.
_LONGEST = 120


def settings_hash(settings: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hexadecimal) of the settings as canonical JSON: sorted keys, no spaces."""
    return hashlib.sha256(_canonical(plain(settings, "settings")).encode("utf-8")).hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _first_difference(recorded: Any, asked: Any, name: str = "") -> tuple[str, str, str] | None:
    """Return (name, recorded, asked) of the first setting that differs; names of nested ones with dots."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for key in [*recorded, *(key for key in asked if key not in recorded)]:
            inner = f"{name}.{key}" if name else key
            if key not in asked:
                return inner, json.dumps(recorded[key], ensure_ascii=False), "nothing"
            if key not in recorded:
                return inner, "nothing", json.dumps(asked[key], ensure_ascii=False)
            difference = _first_difference(recorded[key], asked[key], inner)
            if difference is not None:
                return difference
        return None
    # Compared as JSON text: to Python True == 1 and 1 == 1.0, to a reader of settings they differ.
    if _canonical(recorded) != _canonical(asked):
        return name, _shown(recorded), _shown(asked)
    return None


def _grown(recorded: Any, asked: Any, names: list[str]) -> dict[str, Any] | None:
    """Return the recorded settings with the number of this name as it is asked for, where that is larger; else None."""
    if not (isinstance(recorded, dict) and isinstance(asked, dict) and {names[0]} <= {*recorded} & {*asked}):
        return None
    before, now = recorded[names[0]], asked[names[0]]
    if len(names) > 1:
        inner = _grown(before, now, names[1:])
        return None if inner is None else {**recorded, names[0]: inner}
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (before, now))
    return {**recorded, names[0]: now} if numbers and now > before else None


def _shown(value: Any) -> str:
    """Return a setting as JSON, a long one by its beginning and its hash: lists of frames tell a reader nothing."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(_canonical(value).encode("utf-8")).hexdigest()
    return f"{text[:_LONGEST]}... (SHA-256 {digest[:12]})"


def check_new(path: str | Path, resume: bool = False) -> None:
    """Raise InputError where a run directory cannot be made: it exists and is not to be resumed, or it is a file.

    A directory that holds the settings of a run and nothing else is no obstacle: that run ended before its first part was
    finished.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{str(folder)!r} is a file: name a folder that does not exist yet with --out")
    if folder.is_dir() and not resume and not _came_to_nothing(folder):
        raise InputError(
            f"the run directory {str(folder)!r} exists already: name another one with --out, or add --resume to continue "
            "where it stopped; nothing in it was touched"
        )


def _came_to_nothing(folder: Path) -> bool:
    """Whether a folder is a run of ours that ended before its first part was finished."""
    try:
        content = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
        sound = content["schema"] == _SETTINGS_SCHEMA and content["sha256"] == settings_hash(
            content["settings"]
        )
        return sound and came_to_nothing(folder, (_SETTINGS,))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


@dataclass(frozen=True)
class RunDirectory:
    """One run's folder. Make it with :meth:`create`.

    It is locked for this process until :meth:`close`, until the object is gone, or until the process ends.

    Attributes
    ----------
    path : Path
        The folder.
    settings : dict
        What was asked of the run, as plain JSON values.
    resumed : bool
        Whether the folder was there already, with the same settings.
    """

    path: Path
    settings: dict[str, Any]
    resumed: bool
    _hold: Hold | None = field(default=None, repr=False, compare=False)
    _grown: list[dict[str, Any]] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def create(
        cls, path: str | Path, settings: Mapping[str, Any], resume: bool = False, grows: str = ""
    ) -> RunDirectory:
        """Make a run directory, or take up an earlier one that was made with the same settings.

        Parameters
        ----------
        path : str or Path
            The folder to make, with its parents.
        settings : mapping
            Everything on which the numbers depend; recorded in ``settings.json`` with its SHA-256.
        resume : bool
            Take up a folder that exists already. A folder that does not exist yet is made.
        grows : str
            Dotted name of a number among the settings, such as ``settings.steps``, that may be larger than before when a run
            is taken up; the larger one is recorded with the next part. Parts that depend on it have it in their key.

        Raises
        ------
        InputError
            If the folder holds a run and `resume` is False; if `path` is a file; if the folder holds other things
            than a run, or a run with other settings (the first one that differs is named); if another process is
            writing into it.
        """
        folder = Path(path)
        asked: dict[str, Any] = plain(settings, "settings")
        check_new(folder, resume)
        try:
            hold = Hold(folder)
        except OSError as error:
            raise cls._unwritable(folder, error) from error
        try:
            resumed, grown = cls._open(folder, asked, grows)
            hold.disposable[_SETTINGS] = (folder / _SETTINGS).read_bytes()
        except BaseException as error:
            hold.release()
            if isinstance(error, OSError):
                raise cls._unwritable(folder, error) from error
            raise
        run = cls(folder, asked, resumed, hold, [asked] if grown else [])
        weakref.finalize(run, hold.release)
        return run

    @classmethod
    def _open(cls, folder: Path, asked: dict[str, Any], grows: str) -> tuple[bool, bool]:
        """Check the settings that a folder holds, or write them; return whether they were there, and whether one grew."""
        record = folder / _SETTINGS
        if record.exists() and not _came_to_nothing(folder):
            return True, cls._check_settings(folder, record, asked, grows)
        if not record.exists() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise InputError(
                f"the folder {str(folder)!r} holds files but no settings.json, so it is not a run directory: name another one "
                "with --out; nothing in it was touched"
            )
        cls._record(record, asked)
        return False, False

    @staticmethod
    def _record(record: Path, asked: dict[str, Any]) -> None:
        write_whole(
            record, to_json({"schema": _SETTINGS_SCHEMA, "sha256": settings_hash(asked), "settings": asked})
        )

    @staticmethod
    def _unwritable(folder: Path, error: OSError) -> InputError:
        return InputError(
            f"the run directory {str(folder)!r} cannot be made ({error.strerror or error}): name a folder that you may write "
            "to with --out"
        )

    def close(self) -> None:
        """Let other processes write here again; remove the folder if the run left nothing in it."""
        if self._hold is not None:
            self._hold.release()

    @staticmethod
    def _check_settings(folder: Path, record: Path, asked: dict[str, Any], grows: str) -> bool:
        """Raise InputError where the recorded settings are others; return whether one that may grow did."""
        try:
            content = json.loads(record.read_text(encoding="utf-8"))
            recorded, digest = content["settings"], content["sha256"]
            sound = content["schema"] == _SETTINGS_SCHEMA and digest == settings_hash(recorded)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{str(record)!r} cannot be read as the settings of a run ({type(error).__name__}): name another folder with "
                "--out"
            ) from error
        if not sound:
            raise InputError(
                f"{str(record)!r} was changed after the run was started (its hash does not fit): name another folder with --out"
            )
        grown = _grown(recorded, asked, grows.split(".")) if grows else None
        difference = _first_difference(recorded if grown is None else grown, asked)
        if difference is not None:
            name, before, now = difference
            raise InputError(
                f"the run directory {str(folder)!r} was made with {name} = {before}, this run asks for {now}: give the recorded "
                "setting, or name another folder with --out"
            )
        return grown is not None

    def cell_path(self, key: str) -> Path:
        """Return the file of a cell: a readable form of the key, and a hash that tells keys apart."""
        readable = re.sub(r"[^a-z0-9=.]+", "-", key.lower()).strip("-.")[:80].rstrip("-.") or "cell"
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return self.path / "cells" / f"{readable}-{digest}.json"

    def load_cell(self, key: str) -> dict[str, Any] | None:
        """Return a finished part, or None if there is none yet.

        Raises
        ------
        InputError
            If its file is there and is damaged. (A part that was being written when the run was killed never
            came to its place, and counts as not there.)
        """
        path = self.cell_path(key)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise self._damaged(path, type(error).__name__) from error
        try:
            content = json.loads(text, parse_constant=_refuse_constant)
        except ValueError as error:
            raise self._damaged(path, "not JSON") from error
        if not isinstance(content, dict) or content.get("schema") != _CELL_SCHEMA:
            raise self._damaged(path, "not a part of a run")
        cell = content.get("cell")
        if content.get("key") != key or not isinstance(cell, dict):
            raise self._damaged(path, "another part's content")
        return cell

    @staticmethod
    def _damaged(path: Path, why: str) -> InputError:
        return InputError(
            f"the finished part {str(path)!r} is damaged ({why}): delete this file and run the same command again with "
            "--resume; it will be computed again"
        )

    def save_cell(self, key: str, cell: Mapping[str, Any]) -> Path:
        """Record a finished part under its key; return its file.

        Parameters
        ----------
        key : str
            Any text that names the part, such as ``"free/degree=2/atom:7/l=4"``.
        cell : mapping
            Plain JSON values with string keys. Floats read back to the same bits; tuples read back as lists.

        Raises
        ------
        FileExistsError
            If this part is recorded already with another content: earlier results are never destroyed.
        ValueError, TypeError
            For a number that is not finite, or a value that JSON does not have.
        """
        if self._grown:
            self._record(self.path / _SETTINGS, self._grown.pop())
        content = {"schema": _CELL_SCHEMA, "key": key, "cell": plain(cell, "cell")}
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        path = self.cell_path(key)
        if path.exists():
            if path.read_text(encoding="utf-8") == text:
                return path
            raise FileExistsError(
                f"the part {key!r} is recorded already in {str(path)!r} with another content"
            )
        return write_whole(path, text)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
