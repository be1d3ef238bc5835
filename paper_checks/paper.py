"""All of it in one call: check the claims of a paper and write the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from ..diagnostic.records.files import write_json
from ..diagnostic.records.locks import came_to_nothing, held
from ..diagnostic.records.progress import Progress
from ..theory.errors import InputError
from .context import Context, check_data
from .registry import MAIN_PAPER, choose
from .report import RunFacts, to_json, write_reports
from .result_object import PaperResult
from .run import run_claims, versions

RUN_SCHEMA = "spectral-ceilings/paper-run/1"


def check_paper(
    out: Path,
    *,
    paper: str = MAIN_PAPER,
    data: str = "embedded",
    only: Sequence[str] | None = None,
    quick: bool = False,
    seed: int = 0,
    processes: int = 1,
    command: str = "spectral_ceilings.paper_checks.check_paper(...)",
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
) -> PaperResult:
    """Check the claims of a paper and write ``report.html``, ``report.md``, ``paper.json`` and ``figures/``.

    Parameters
    ----------
    out
        Directory of the run. Finished claims in it are taken up again where nothing they depend on has changed.
    paper
        ``spectral-ceilings`` (arXiv 2605.08286), ``scalar-pathway`` (arXiv 2606.15892) or ``broken-symmetry`` (arXiv
        2406.17747).
    data
        ``embedded``, ``rmd17`` (downloaded once), or a folder with the npz files of rMD17.
    only
        Ids of claims; None: all.
    quick
        Spend about two minutes: fewer frames, atoms and repetitions.
    seed
        Seed of everything random.
    processes
        Processes for the diagnoses that several claims share; more than one needs ``if __name__ == "__main__"`` in a script.
    command
        The command that repeats the run; goes into the report.
    progress
        Called with (title, done, total).
    tell
        Called with one line about what is going on.

    Returns
    -------
    PaperResult
        A mapping with the content of ``paper.json`` (schema ``spectral-ceilings/paper/1``).

    Raises
    ------
    InputError
        Before any work: an unknown paper, claim or data, a negative seed, a directory that holds something else.
    """
    choose(only, paper)
    if seed < 0:
        raise InputError(f"the seed is {seed}, expected zero or more")
    context = Context(out, check_data(data), quick, seed, paper)
    if tell is not None:
        context.tell = tell
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; give a directory with --out")
    with held(out) as hold:
        mark = _open_directory(context)
        hold.disposable[mark.name] = mark.read_bytes()
        checked = run_claims(context, only, processes=processes, progress=progress)
        facts = RunFacts(data, quick, seed, command, versions(), paper)
    write_reports(checked, facts, out)
    return PaperResult.of(to_json(checked, facts), checked)


def _open_directory(context: Context) -> Path:
    """Refuse a directory that holds something else, or a run on other data; mark a new one as ours and return the mark."""
    out, mark = context.out, context.out / "run.json"
    asked = {
        "schema": RUN_SCHEMA, "paper": context.paper, "data": context.data, "quick": context.quick, "seed": context.seed,
    }  # fmt: skip
    if mark.is_file():
        try:
            before = dict(json.loads(mark.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise InputError(f"{mark} is damaged ({error}); give another --out") from error
        before.setdefault("paper", MAIN_PAPER)  # runs from before there was a second one
        ended_early = before.get("schema") == RUN_SCHEMA and came_to_nothing(out, (mark.name,))
        for key, value in asked.items():
            if before.get(key) != value and not ended_early:
                raise InputError(
                    f"{out} holds a run with {key} {before.get(key)!r}, not {value!r}; give another --out"
                )
    elif not came_to_nothing(out, ()):
        raise InputError(f"{out} exists and is no run of 'ceilings paper'; give another --out")
    write_json(mark, asked)
    return mark
