"""What ends a command early, in one sentence, with its exit status and, where it helps, a file that holds the traceback.

2: the input or the machine has to change (wrong values, a full disk, a model that raises). 3: the fault is ours. A crash has
neither 0 nor 1, which are verdicts.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import re
import sys
import sysconfig
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Exit statuses. Those of a signal are 128 and its number, as a shell has them.
HELD, NOT_HELD, WRONG_INPUT, INTERNAL, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 3, 130, 141

#: What a write to a full disk, past a quota or past a limit on the size of files says.
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
#: Packages that this one calls itself: an error inside of them says nothing about a user's model.
_OURS = {
    "ase", "click", "e3nn", "filelock", "h5py", "jinja2", "jsonschema", "llvmlite", "markupsafe", "matplotlib", "mpmath", "numba",
    "numpy", "opt_einsum", "opt_einsum_fx", "pandas", "PIL", "pooch", "pydantic", "pydantic_core", "requests", "rich",
    "safetensors", "scipy", "shellingham", "sympy", "torch", "typer", "urllib3", "vesin",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A line of code that is not ours: a user's file, or the package of a model."""

    name: str
    line: int
    function: str
    innermost: bool  # no code of ours was running below it


@dataclass(frozen=True)
class Failure:
    """How a command ends: its exit status, what was wrong, what to do, and whether the traceback goes into a file."""

    status: int
    sentence: str
    advice: str = ""
    keep_traceback: bool = False

    def told(self, written: str = "") -> str:
        """Return the whole sentence; ``written`` says where the traceback is."""
        return (
            self.sentence
            + (f"; the traceback is {written}" if written else "")
            + (f": {self.advice}" if self.advice else "")
        )


def explain(error: BaseException) -> Failure:
    """Return what an error means to the user who typed a command."""
    from ..diagnostic.records.machine_errors import device_lost, out_of_memory
    from ..theory.errors import InputError

    if isinstance(error, InputError):
        cause = error.__cause__
        theirs = cause is not None and place_of(cause) is not None
        sentence = in_options(str(error))
        return Failure(WRONG_INPUT, sentence.rstrip(".") if theirs else sentence, keep_traceback=theirs)
    if type(error).__name__ == "OutOfDeviceMemory":
        return Failure(WRONG_INPUT, str(error))
    if isinstance(error, MemoryError) or out_of_memory(error):
        return Failure(
            WRONG_INPUT,
            "memory ran out",
            "take fewer frames (--frames) or a lower degree, or a machine with more memory; on a GPU, --device cpu",
        )
    if device_lost(error):
        return Failure(
            WRONG_INPUT,
            f"the GPU stopped answering ({_message(error)})",
            "finished parts are kept: the same command goes on with --resume where it has that option, and with --device cpu "
            "where the GPU is gone",
        )
    if _no_room(error):
        where = (
            f" while {error.filename} was written" if isinstance(error, OSError) and error.filename else ""
        )
        advice = "free some, or name another folder with --out; finished parts are kept"
        return Failure(WRONG_INPUT, f"the disk has no room left{where} ({_message(error)})", advice)
    place = place_of(error)
    if place is None and isinstance(error, SyntaxError) and error.filename and error.lineno:
        name = _name_of(
            error.filename, ""
        )  # the file could not even be run, so no line of it is in the traceback
        place = Place(name, error.lineno, "no function", True) if name else None
    if place is not None:
        return _theirs(error, place)
    if isinstance(error, OSError):
        return _refused(error)
    if isinstance(error, ImportError) and not str(error.name or "").startswith("spectral_ceilings"):
        return Failure(
            WRONG_INPUT,
            f"a package cannot be imported ({_message(error)})",
            "install it, or repair the environment",
            keep_traceback=True,
        )
    return Failure(
        INTERNAL,
        f"an internal error of spectral-ceilings; this is not a verdict ({type(error).__name__}: {_message(error)})",
        "please report it with that file",
        keep_traceback=True,
    )


def _theirs(error: BaseException, place: Place) -> Failure:
    if isinstance(error, SystemExit):
        what = f"ended the program (exit status {error.code})"
    else:
        what = f"raised {type(error).__name__}: {_message(error)}"
    advice = "correct it and run the command again"
    if not place.innermost:
        advice += ", or report it if the fault is in spectral-ceilings"
    return Failure(
        WRONG_INPUT,
        f"{place.name} {what} (line {place.line}, in {place.function})",
        advice,
        keep_traceback=True,
    )


def _refused(error: OSError) -> Failure:
    if error.filename is None:
        return Failure(
            WRONG_INPUT, f"the system refused ({_message(error)})", "see there", keep_traceback=True
        )
    return Failure(
        WRONG_INPUT,
        f"{error.filename} cannot be read or written ({error.strerror})",
        "give a path that you may read and write, on a disk with space left",
    )


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    words = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    return (words if len(words) <= 300 else words[:300] + " ...") or "no reason given"


def _no_room(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _NO_ROOM
    return "No space left on device" in str(error) or "Disk quota exceeded" in str(error)


def place_of(error: BaseException) -> Place | None:
    """Return the innermost line of code that is neither ours nor of a package we call; None where there is none."""
    place = None
    ours_below = False
    for frame, line in traceback.walk_tb(error.__traceback__):
        file, module = frame.f_code.co_filename, str(frame.f_globals.get("__name__", ""))
        if module == "spectral_ceilings" or module.startswith("spectral_ceilings."):
            ours_below = place is not None
        elif (name := _name_of(file, module)) is not None:
            place, ours_below = (name, line, frame.f_code.co_name), False
    return None if place is None else Place(*place, innermost=not ours_below)


def _name_of(file: str, module: str) -> str | None:
    """Return what to call the file of a frame; None for the standard library, our dependencies and generated code."""
    if file.startswith("<"):
        return None
    parts = Path(file).parts
    if (
        file.endswith(".pyx") and module.partition(".")[0] in _OURS
    ):  # compiled code names its source without the folder
        return None
    if "site-packages" in parts or "dist-packages" in parts:
        package = module.partition(".")[0]
        return None if package in _OURS else f"the package {package}"
    library = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), os.path.dirname(os.__file__)}
    if any(Path(file).is_relative_to(folder) for folder in library if folder):
        return None
    return Path(file).name


def in_options(sentence: str) -> str:
    """Return a sentence of the library, which speaks of arguments, in words of the command line: units='eV' is --units eV."""
    sentence = sentence.replace("accept_units=True", "--accept-units")
    names = "units|force_units|length_units|elements|forces_key|energy_key|stress_key|group_key|select"

    def option(match: re.Match[str]) -> str:
        value = f'"{match[3]}"' if match[1] == "select" else match[3]
        return f"--{match[1].replace('_', '-')} {value}"

    sentence = re.sub(rf"\b({names})=(['\"])(.*?)\2(,(?= (?:{names})=))?", option, sentence)
    return re.sub(r"\b(forces|energy|stress|group)_key\b", r"--\1-key", sentence)


def tell(error: BaseException, arguments: Sequence[str]) -> int:
    """Say on standard error what ended the command, in one sentence; return the exit status."""
    failure = explain(error)
    if not failure.keep_traceback:
        say(failure.told())
        return failure.status
    written = keep_traceback(error, arguments)
    if written is not None:
        say(failure.told(f"in {written}"))
    else:
        say(failure.told("below, for no folder can be written"))
        say("".join(traceback.format_exception(error)).rstrip(), word="")
    return failure.status


def say(sentence: str, word: str = "error:") -> None:
    """Print a line on standard error, its first word red on a terminal."""
    with contextlib.suppress(OSError, ValueError):  # nobody listens
        shown = f"\x1b[1;31m{word}\x1b[0m" if sys.stderr.isatty() and "NO_COLOR" not in os.environ else word
        print(f"{shown} {sentence}" if word else sentence, file=sys.stderr, flush=True)


def keep_traceback(error: BaseException, arguments: Sequence[str]) -> str | None:
    """Write the traceback beside ``--out``, else into the current folder, else into the temporary one; return its path.

    No file is overwritten. None where no folder can be written.
    """
    text = f"{_versions()}\ncommand: ceilings {' '.join(arguments)}\n\n{''.join(traceback.format_exception(error))}"
    for stem in _stems(arguments):
        for number in range(1, 1000):
            path = stem.with_name(f"{stem.name}{'' if number == 1 else f'-{number}'}.txt")
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                continue
            except OSError:
                break
            try:
                with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
                    stream.write(text)
            except OSError:
                path.unlink(missing_ok=True)
                break
            return str(path)
    return None


def _stems(arguments: Sequence[str]) -> Iterator[Path]:
    for number, word in enumerate(arguments):
        given = word.removeprefix("--out=") if word.startswith("--out=") else None
        if word == "--out" and number + 1 < len(arguments):
            given = arguments[number + 1]
        out = Path(given) if given else None
        if out is not None and out.name:
            yield out.with_name(f"{out.name}-traceback")
    yield Path("ceilings-traceback")
    yield Path(tempfile.gettempdir()) / "ceilings-traceback"


def _versions() -> str:
    from importlib.metadata import PackageNotFoundError, version

    shown = [f"python {platform.python_version()}", platform.platform()]
    for name in ("spectral-ceilings", "torch", "numpy", "e3nn", "ase"):
        with contextlib.suppress(PackageNotFoundError):
            shown.append(f"{name} {version(name)}")
    return ", ".join(shown)
