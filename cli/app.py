"""The command ``ceilings``: parses, calls the library, prints.

Nothing but the standard library is imported before :func:`main` runs, so that a broken installation is told as such and not
taken for a verdict.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .failures import BROKEN_PIPE, HELD, INTERRUPTED, WRONG_INPUT, place_of, say, tell

if TYPE_CHECKING:
    import typer

#: Modules of this package, in the order in which ``ceilings --help`` lists their commands. They import what takes long only
#: when their command runs.
_COMMANDS = (
    "version",
    "diagnose",
    "audit",
    "artefacts",
    "observe",
    "compare",
    "train",
    "layers",
    "learning_curve",
    "data",
    "theory",
    "calibrate",
    "advise",
    "paper",
    "sweep",
)


def build_app() -> typer.Typer:
    """Return the Typer application with every command registered."""
    import typer

    app = typer.Typer(
        name="ceilings",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )

    for name in _COMMANDS:
        importlib.import_module(f".{name}", __package__).register(app)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status, 0 where what was checked holds; errors are raised."""
    import typer.main

    app = build_app()
    if "_CEILINGS_COMPLETE" in os.environ:  # the shell asks for completions
        app(prog_name="ceilings")
    command = typer.main.get_command(app)
    try:
        with command.make_context("ceilings", list(arguments)) as context:
            status = command.invoke(context)
    except typer.Exit as stop:
        status = stop.exit_code
    except typer.Abort:
        return INTERRUPTED
    return status if isinstance(status, int) else 0


def main() -> None:
    """Run the command line; end with its exit status.

    0: what was checked holds. 1: it does not. 2: wrong input, or a machine or a model that fails. 3: an error of ours.
    130: interrupted. 141: whoever read the output is gone.
    """
    arguments = sys.argv[1:]
    try:
        status = run(arguments)
        sys.stdout.flush()
    except BaseException as error:
        status = _ended(error, arguments)
    if status == INTERRUPTED:
        how = (
            "the same command continues"
            if arguments[:1] == ["sweep"]
            else "the same command with --resume continues"
        )
        say(f"stopped; finished parts are kept: {how}", word="")
    locks = sys.modules.get(f"{__package__.rpartition('.')[0]}.diagnostic.records.locks")
    if locks is not None:
        locks.release_all()
    sys.exit(status)


def _ended(error: BaseException, arguments: Sequence[str]) -> int:
    """Say in one sentence what ended a command; return the exit status."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    piped = error.__context__ if isinstance(error, SystemExit) else error  # Rich turns it into exit status 1
    if isinstance(piped, BrokenPipeError) and place_of(error) is None:
        _close_output()
        return BROKEN_PIPE
    if isinstance(error, SystemExit) and error.code in (None, 0) and place_of(error) is None:
        return HELD  # the shell's completion is installed or shown
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "ClickException" in kinds:
        return _wrong_usage(error, kinds)
    status = tell(error, arguments)
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        _close_output()
    return status


def _wrong_usage(error: Any, kinds: set[str]) -> int:
    """Say what is wrong with an option or an argument. Newer releases of Typer carry click under another name."""
    if "NoArgsIsHelpError" in kinds:
        error.show()
        return WRONG_INPUT
    context = getattr(error, "ctx", None)
    sentence = " ".join(error.format_message().split()).rstrip(".")
    say(sentence if context is None else f"{sentence}; see '{context.command_path} --help'")
    return WRONG_INPUT


def _close_output() -> None:
    """Send what is left in standard output nowhere: the interpreter would try to write it once more, and complain."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
