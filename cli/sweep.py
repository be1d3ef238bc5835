"""``ceilings sweep``: many jobs, one machine or a cluster, one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from . import choices, options

if TYPE_CHECKING:
    from ..sweeps.sweep_result import SweepResult

CLUSTERS = ("local", "slurm")
_EPILOG = (
    "Examples: ceilings sweep examples/sweep.yaml --dry-run   |   ceilings sweep examples/sweep.yaml --workers 2   |   "
    "ceilings sweep status runs/sweep   |   ceilings sweep collect runs/sweep"
)

Directory = Annotated[
    Path, typer.Argument(metavar="SWEEP", help="Directory of a sweep, or its YAML file.", show_default=False)
]
Cluster = Annotated[
    str,
    choices.one_of(CLUSTERS, "--cluster", help="Processes of this machine, or job arrays of Slurm."),
]
Workers = Annotated[
    int | None,
    typer.Option(help="Cells at a time; default: one for each core. With slurm: jobs of each array."),
]
Threads = Annotated[
    int | None,
    typer.Option(
        help="Threads of each cell; default: cores / workers. With slurm: cores of each job; default: 1."
    ),
]
Partition = Annotated[str | None, typer.Option(help="With slurm: partition of the jobs.")]
Account = Annotated[str | None, typer.Option(help="With slurm: account of the jobs.")]
Gpus = Annotated[
    str | None,
    typer.Option(
        help="GPUs for the cells that ask for one, each with one to itself: a number, or names such as 0,2. Default: all. With "
        "slurm: GPUs of each job."
    ),
]
Memory = Annotated[str | None, typer.Option(help="With slurm: memory of each job, such as 8GB.")]
TimeLimit = Annotated[
    str | None,
    typer.Option("--time", help="With slurm: time of each job, such as 2:00:00; the rest is requeued."),
]
ArraySize = Annotated[
    int | None,
    typer.Option(help="With slurm: jobs of each array; each runs one cell after another. Default: 64."),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="With slurm: return when the jobs are submitted.")]


class _FileFirst(TyperGroup):
    """``ceilings sweep FILE`` is ``ceilings sweep run FILE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add ``ceilings sweep`` with its commands."""
    from .sweep_collect import collect_command
    from .sweep_states import status_command

    group = typer.Typer(
        cls=_FileFirst,
        no_args_is_help=True,
        epilog=_EPILOG,
        help="Run many jobs from one YAML file, on this machine or a cluster, and collect one table. 'ceilings sweep SWEEP.yaml' "
        "is short for 'ceilings sweep run SWEEP.yaml'.",
    )
    group.command("run", epilog=_EPILOG)(run_command)
    group.command("status", epilog="Example: ceilings sweep status runs/sweep")(status_command)
    group.command("retry", epilog="Example: ceilings sweep retry runs/sweep")(retry_command)
    group.command("collect", epilog="Example: ceilings sweep collect runs/sweep")(collect_command)
    app.add_typer(group, name="sweep")


def run_command(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="SWEEP.yaml", help="What to run; see the documentation for its keys.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Directory of the sweep; default: what the file says, else runs/NAME."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show cells, dependencies and cost by the cells that are finished; run nothing."
        ),
    ] = False,
    first: Annotated[
        int | None, typer.Option(help="Only this many cells of each stage, with those that they need.")
    ] = None,
    workers: Workers = None,
    threads: Threads = None,
    gpus: Gpus = None,
    cluster: Cluster = "local",
    partition: Partition = None,
    account: Account = None,
    memory: Memory = None,
    time: TimeLimit = None,
    array_size: ArraySize = None,
    no_wait: NoWait = False,
    as_json: options.AsJson = False,
) -> int:
    """Run the cells of a sweep; what is finished is kept, and the same command goes on where it stopped.

    A cell is a command of ceilings (train, diagnose, audit, advise, learning-curve, paper) with options from a grid, a zip or a
    list, and may need earlier cells. Exit status 0: every cell is done. 2: some failed (status names them; retry runs them
    again) or wait for one that did.
    """
    from ..sweeps.progress import Progress
    from ..sweeps.run_sweep import sweep
    from .sweep_plan import directory_of, show_plan

    if dry_run:
        return show_plan(file, out, workers, threads, cluster, as_json)
    slurm = slurm_options(
        cluster,
        no_wait,
        partition=partition,
        account=account,
        gpus=_number(gpus) if cluster == "slurm" else None,
        memory=memory,
        time=time,
        array_size=array_size,
    )
    root = directory_of(file, out)
    with Progress(root) as show:
        result = sweep(
            file,
            root,
            cluster=cluster,
            workers=workers,
            threads=threads,
            gpus=gpus if cluster == "local" else None,
            first=first,
            slurm=slurm,
            wait=not no_wait,
            show=show,
        )
    return tell(result, as_json, submitted=no_wait)


def retry_command(
    sweep: Directory,
    stage: Annotated[
        str | None, typer.Option(help="Only failed cells of this stage, and those that waited for them.")
    ] = None,
    workers: Workers = None,
    threads: Threads = None,
    gpus: Gpus = None,
    cluster: Cluster = "local",
    partition: Partition = None,
    account: Account = None,
    memory: Memory = None,
    time: TimeLimit = None,
    array_size: ArraySize = None,
    no_wait: NoWait = False,
    as_json: options.AsJson = False,
) -> int:
    """Compute the cells that failed again, and those that waited for them."""
    from ..sweeps.progress import Progress
    from ..sweeps.run_sweep import retry
    from .sweep_plan import directory_of

    slurm = slurm_options(
        cluster,
        no_wait,
        partition=partition,
        account=account,
        gpus=_number(gpus) if cluster == "slurm" else None,
        memory=memory,
        time=time,
        array_size=array_size,
    )
    root = directory_of(sweep)
    with Progress(root) as show:
        result = retry(
            root,
            stage,
            cluster=cluster,
            workers=workers,
            threads=threads,
            gpus=gpus if cluster == "local" else None,
            slurm=slurm,
            wait=not no_wait,
            show=show,
        )
    return tell(result, as_json, submitted=no_wait)


def _number(gpus: str | None) -> int | None:
    if gpus is not None and not gpus.isdigit():
        raise typer.BadParameter(
            f"--gpus is {gpus!r}; with --cluster slurm it is the number of GPUs of each job"
        )
    return None if gpus is None else int(gpus)


def slurm_options(cluster: str, no_wait: bool, **asked: int | str | None) -> dict[str, Any]:
    """Return what was asked of Slurm, by the keys of a sweep's file; refuse it where Slurm is not asked."""
    given = {key.replace("_", "-"): value for key, value in asked.items() if value is not None}
    if cluster != "slurm" and (given or no_wait):
        name = next(iter(given), "no-wait")
        raise typer.BadParameter(f"--{name} is for Slurm; add --cluster slurm, or leave it out")
    return given


def tell(result: SweepResult, as_json: bool, submitted: bool = False) -> int:
    """Print what has become of a sweep; return the exit status."""
    from .sweep_states import summary

    counts = result.counts
    for label, what, where in result.damaged:
        typer.echo(f"damaged: {label}: {what}; it was moved to {where} and computed again", err=True)
    if result.trouble:
        typer.echo(
            f"stopped: {result.trouble}; what is finished is kept, and the same command goes on", err=True
        )
    if as_json:
        typer.echo(json.dumps(summary(result), indent=1))
    else:
        typer.echo(
            f"{counts.done} of {counts.total} cells done, {counts.failed} failed, {counts.blocked} wait for one that failed"
        )
        for cell in result.failed[:20] if counts.failed else []:
            typer.echo(f"failed: {cell.label}: {cell.error}\n  log: {cell.log}")
        typer.echo(f"sweep: {result.root}")
    return 0 if result.complete or submitted else 2
