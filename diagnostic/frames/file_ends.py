"""Whether a file ends where its writer ends it: runs that still go on, copies that were cut short."""

from __future__ import annotations

from pathlib import Path

from ...theory.errors import InputError

#: What stands near the end of a finished file, by what stands near its beginning; and what it is.
_ENDS = (
    (b"<modeling>", b"</modeling>", "vasprun.xml"),
    (b" vasp.", b"Voluntary context switches", "OUTCAR"),
)
_LOOKED_AT = 4000


def said_of_end(path: Path) -> list[str]:
    """Return a sentence where a text file of whole steps ends early: readers give the steps that are whole."""
    with path.open("rb") as stream:
        head = stream.read(_LOOKED_AT)
        stream.seek(max(0, path.stat().st_size - _LOOKED_AT))
        tail = stream.read()
    for start, end, what in _ENDS:
        if start in head and end not in tail:
            return [
                f"the file ends before VASP ends a {what}: the run goes on, or was stopped or copied in part; its whole steps "
                "are read"
            ]
    if not tail.endswith((b"\n", b"\r")) and b"\x00" not in tail:
        return ["its last line has no line break: if the file was cut short there, its last number was, too"]
    return []


def check_rows_of_dump(path: Path, atoms: int, name: str) -> None:
    """Raise InputError where the last step of a LAMMPS dump has fewer rows, ``atoms``, than its header says."""
    declared = ""
    with path.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if line.startswith("ITEM: NUMBER OF ATOMS"):
                declared = next(stream, "").strip()
    if declared.isdecimal() and int(declared) > atoms:
        raise InputError(
            f"{name}: its last step says that it has {declared} atoms and {atoms} follow: the file is cut short, so remove that "
            "step or copy the file again."
        )


def check_database(path: Path, name: str) -> None:
    """Raise InputError where a database of SQLite is shorter than the number of pages that it says it has."""
    with path.open("rb") as stream:
        head = stream.read(100)
    if not head.startswith(b"SQLite format 3\x00") or len(head) < 100 or head[24:28] != head[92:96]:
        return  # not of SQLite, or the number of pages is not kept: reading tells
    size = int.from_bytes(head[16:18], "big")
    expected = int.from_bytes(head[28:32], "big") * (65536 if size == 1 else size)
    if path.stat().st_size < expected:
        raise InputError(
            f"{name}: it has {path.stat().st_size:,} bytes of the {expected:,} that it says it has: the file is cut short, so "
            "copy it again."
        )
