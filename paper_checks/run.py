"""Run the claims: each result written whole, reused while its inputs are unchanged."""

from __future__ import annotations

import hashlib
import importlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..diagnostic.records.files import write_json
from ..diagnostic.records.progress import Progress
from ..diagnostic.records.versions import installed_versions
from ..theory.errors import InputError
from .ahead import run_ahead
from .context import Context, package_digest
from .outcome import Outcome
from .registry import Claim, choose

#: Schema of the whole run and of the file of one claim.
RESULT_SCHEMA, CLAIM_SCHEMA = "spectral-ceilings/paper/1", "spectral-ceilings/paper-claim/1"
_PACKAGE = __package__ or "spectral_ceilings.paper_checks"


@dataclass(frozen=True)
class Checked:
    """A claim with its outcome, the seconds it took by itself, and whether it was taken from an earlier run.

    ``diagnoses_seconds`` is what the diagnoses took that it reads, whichever claim they were made for.
    """

    claim: Claim
    outcome: Outcome
    seconds: float
    reused: bool
    diagnoses_seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether a claim that must hold does not."""
        return self.claim.must_hold and self.outcome.verdict == "does not hold"


def procedure(claim: Claim) -> Callable[[Context], Outcome]:
    """Return the function that checks a claim.

    Raises
    ------
    InputError
        The registry names a module or a function that does not exist.
    """
    module, _, name = claim.check.partition(":")
    try:
        return getattr(importlib.import_module(f"{_PACKAGE}.{module}"), name)  # type: ignore[no-any-return]
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"claim {claim.id} names the check {claim.check!r}, which does not exist: {error}"
        ) from error


def inputs_hash(claim: Claim, context: Context) -> str:
    """Return the SHA-256 of everything a result depends on: the claim, the package's sources and shipped files, the effort,
    the versions, and the frames where the user gives a folder of them.

    The sources and the assets of the package are hashed byte by byte, so that a change of either is noticed.
    """
    digest = hashlib.sha256(json.dumps(claim.to_dict(), sort_keys=True).encode())
    digest.update(json.dumps([context.data, context.quick, context.seed, versions()]).encode())
    digest.update((package_digest() + context.files_digest()).encode())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of the packages that the results depend on."""
    return installed_versions("spectral-ceilings", "torch", "e3nn", "nequip", "numpy", "scipy", "sympy")


def run_claims(
    context: Context,
    only: Sequence[str] | None = None,
    *,
    processes: int = 1,
    progress: Progress | None = None,
) -> list[Checked]:
    """Check every claim of a paper that is asked for, one after the other, and write ``claims/ID.json`` for each.

    A finished claim is taken up again where its inputs are unchanged. Where a check lacks something on this machine
    (a package, a file), its claim gets 'cannot be checked here' with the sentence as the reason, and the run goes on.

    Parameters
    ----------
    context
        Where to work and on what.
    only
        Ids of claims; None: all.
    processes
        Processes that make the diagnoses which several claims share. With more than one, a script that calls this needs
        the usual guard ``if __name__ == "__main__"``.
    progress
        Called with (title, done, total).

    Raises
    ------
    InputError
        An id that is not known, before anything is run.
    """
    chosen = choose(only, context.paper)
    checks = [procedure(claim) for claim in chosen]
    if processes > 1:
        stale = [
            c
            for c in chosen
            if _saved(context.path_of(f"claims/{c.id}.json"), inputs_hash(c, context)) is None
        ]
        run_ahead(context, stale, processes)
    checked = []
    for number, (claim, check) in enumerate(zip(chosen, checks, strict=True)):
        if progress:
            progress(claim.title, number, len(chosen))
        path = context.path_of(f"claims/{claim.id}.json")
        digest = inputs_hash(claim, context)
        saved = _saved(path, digest)
        if saved is not None:
            outcome, took = Outcome.from_json(saved["outcome"]), saved.get("diagnoses_seconds", 0.0)
            checked.append(Checked(claim, outcome, saved["seconds"], True, took))
            continue
        context.take_times()
        start = time.perf_counter()
        try:
            outcome = check(context)
        except InputError as error:
            outcome = Outcome(
                "cannot be checked here", "The check could not run on this machine.", reason=str(error)
            )
        computed, read = context.take_times()
        seconds = round(max(0.0, time.perf_counter() - start - computed), 3)
        record = {
            "schema": CLAIM_SCHEMA,
            "inputs": digest,
            "claim": claim.to_dict(),
            "outcome": outcome.to_json(),
            "seconds": seconds,
            "diagnoses_seconds": round(read, 3),
        }
        write_json(path, record)
        checked.append(Checked(claim, outcome, seconds, False, round(read, 3)))
    return checked


def _saved(path: Path, digest: str) -> dict[str, Any] | None:
    """Return an earlier result with the same inputs, or None."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["schema"] == CLAIM_SCHEMA and record["inputs"] == digest:
            return dict(record)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None
