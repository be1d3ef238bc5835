"""Which GPUs of this machine cells may use, and who has which: no two cells at a time have one."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..theory.errors import InputError
from .claims import host, lock
from .plan import Cell

#: The variable by which CUDA is told which GPUs there are.
VISIBLE = "CUDA_VISIBLE_DEVICES"
_DEVICES, _DRIVER = Path("/dev"), Path("/proc/driver/nvidia/gpus")


def gpus() -> list[str]:
    """Return the GPUs of this machine that this process may use, as CUDA names them; asks no driver."""
    named = os.environ.get(VISIBLE)
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    # a container shows the nodes of its GPUs only, and CUDA counts those from 0
    nodes = list(_DEVICES.glob("nvidia[0-9]*")) or list(_DRIVER.glob("*"))
    return [str(i) for i in range(len(nodes))]


def chosen_gpus(asked: int | str | Sequence[int | str] | None) -> tuple[str, ...]:
    """Return the GPUs to use: all for None, the first ``asked`` for a number, else those that are named.

    A GPU that is named n times takes n cells at a time. In words, ``"2"`` is a number and ``"0,2"`` or ``"2,"`` are names.

    Raises
    ------
    InputError
        More are asked for than there are, or one that is not there.
    """
    visible = gpus()
    if asked is None:
        return tuple(visible)
    if isinstance(asked, str):
        words = [name.strip() for name in asked.split(",") if name.strip()]
        asked = int(asked) if asked.strip().isdigit() else words
    known = f"this machine shows {len(visible)}{' (' + ', '.join(visible) + ')' if visible else ''}"
    if isinstance(asked, int):
        if not 0 <= asked <= len(visible):
            raise InputError(f"gpus is {asked}, and {known}; ask for no more, or leave it out to use all")
        return tuple(visible[:asked])
    names = tuple(str(name) for name in asked)
    for name in names:  # a GPU may also be named by its UUID, which nothing here can check
        if not visible or (
            name.isdigit() and name not in visible and all(each.isdigit() for each in visible)
        ):
            raise InputError(
                f"gpus names GPU {name}, and {known}; name some of them, or leave it out to use all"
            )
    if not names:
        raise InputError("gpus names no GPU; give a number, such as 2, or names, such as 0,1 (0: use none)")
    return names


def asks_for_gpu(options: Mapping[str, Any]) -> bool:
    """Whether a cell with these options wants a GPU where there is one."""
    return options.get("device") not in (None, "cpu")


def usable_gpus(cluster: str, asked: int | str | Sequence[int | str] | None) -> tuple[str, ...] | None:
    """Return the GPUs that a sweep shares out; None where it leaves them alone: with Slurm, or with none and nothing said."""
    if cluster != "local":
        return None
    return chosen_gpus(asked) or (None if asked is None else ())


def for_gpus(cells: Iterable[Cell], cards: tuple[str, ...] | None) -> Iterator[Cell]:
    """Yield cells; refuse one that names another GPU than the one that it will see, where GPUs are shared out.

    Raises
    ------
    InputError
        A cell has such a device.
    """
    for cell in cells:
        device = cell.options.get("device")
        if cards and isinstance(device, str) and device.startswith("cuda:") and device != "cuda:0":
            raise InputError(
                f"{cell.label} has device {device}, and each cell of a sweep sees one GPU, as cuda:0; give device cuda, and "
                "choose the GPUs by gpus"
            )
        yield cell


@contextlib.contextmanager
def lease(folder: Path, names: Iterable[str]) -> Iterator[str | None]:
    """Hold one of these GPUs within, and let CUDA see it alone; None where all are taken.

    The lock is the operating system's, on a file of ``folder``: it ends with the processes that hold it, however they end.
    """
    count: Counter[str] = Counter()
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        count[name] += 1
        plain = "".join(c if c.isalnum() or c in "-." else "_" for c in f"{host()}-{name}-{count[name]}")
        descriptor = os.open(folder / f"{plain}.lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not lock(descriptor):
                continue
            with _seeing(name):
                yield name
            return
        finally:
            os.close(descriptor)
    yield None


@contextlib.contextmanager
def _seeing(name: str) -> Iterator[None]:
    before = os.environ.get(VISIBLE)
    os.environ[VISIBLE] = name
    try:
        yield
    finally:
        os.environ.pop(VISIBLE) if before is None else os.environ.update({VISIBLE: before})
