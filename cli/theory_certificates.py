"""Writes and replays the certificates of ``ceilings theory`` and its commands."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..diagnostic.records.files import write_whole
from ..diagnostic.records.progress import Progress, silent
from ..theory import (
    GridCertificate,
    InputError,
    SO2Certificate,
    SpanCertificate,
    StarCertificate,
    verify_file,
)


def write_certificates(
    pending: Iterable[SpanCertificate | StarCertificate | GridCertificate | SO2Certificate],
    number: int,
    directory: Path,
    progress: Progress = silent,
) -> list[Path]:
    """Build `number` certificates and write a file for each of them.

    Files that already hold the same certificate are left alone.

    Raises
    ------
    InputError
        If the folder cannot be made, or a file of that name holds something else; nothing is overwritten.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {directory} cannot be made ({error.strerror}): give a folder") from None
    texts: dict[Path, str] = {}
    for certificate in pending:
        texts[directory / certificate.name] = certificate.to_json()
        progress("certificates", len(texts), number)
    for path, text in texts.items():
        if path.exists() and path.read_text(encoding="utf-8", errors="replace") != text:
            raise InputError(
                f"{path} exists and holds something else: give another folder with --out, or move the file away"
            )
    for path, text in texts.items():
        if not path.exists():
            write_whole(path, text)
    return list(texts)


def replay(files: list[Path], progress: Progress = silent) -> dict[Path, list[str]]:
    """Replay certificate files and return the findings for each, in the order given.

    Raises
    ------
    InputError
        If a file cannot be read or is not JSON.
    """
    findings: dict[Path, list[str]] = {}
    for path in files:
        findings[path] = verify_file(path)
        progress("replaying", len(findings), len(files))
    return findings
