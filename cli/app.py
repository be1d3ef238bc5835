"""The command ``ceilings``: parses, calls the library, prints."""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from ..theory.errors import InputError

#: Wrong usage of a command or option. Typer carries its own copy of click in newer releases and depends on
#: the package in older ones; the class is the same ancestor of BadParameter in both.
_UsageError: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

#: Modules of this package, in the order in which ``ceilings --help`` lists their commands.
_COMMANDS = (
    "diagnose",
    "audit",
    "compare",
    "train",
    "layers",
    "learning_curve",
    "data",
    "theory",
    "calibrate",
    "advise",
    "paper",
)


def build_app() -> typer.Typer:
    """Return the Typer application with every command registered."""
    app = typer.Typer(
        name="ceilings",
        help="Spectral ceilings of equivariant force fields: prove them, verify them, measure them.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    for name in _COMMANDS:
        importlib.import_module(f".{name}", __package__).register(app)
    return app


def _in_options(sentence: str) -> str:
    """Return a sentence of the library, which speaks of arguments, in words of the command line: units='eV' is --units eV."""
    sentence = sentence.replace("accept_units=True", "--accept-units")
    names = "units|force_units|length_units|elements"
    return re.sub(
        rf"\b({names})=(['\"])(.*?)\2(,(?= (?:{names})=))?",
        lambda found: f"--{found[1].replace('_', '-')} {found[3]}",
        sentence,
    )


def main() -> None:
    """Run the command line: exit status 0 held, 1 did not hold, 2 wrong input."""
    try:
        status = build_app()(standalone_mode=False)
    except InputError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"[bold red]error:[/] {escape(_in_options(str(error)))}"
        )
        sys.exit(2)
    except _UsageError as error:
        error.show()
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"[bold red]error:[/] {escape(str(error.filename))} cannot be read or written ({error.strerror}): "
            "give a path that you may read and write, on a disk with space left"
        )
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt):
        status = 130
    if status == 130:  # newer releases of Typer turn the interrupt into this exit status
        Console(stderr=True, soft_wrap=True).print(
            "stopped; finished parts are kept: the same command goes on ('train' and 'diagnose' with --resume)"
        )
    sys.exit(status if isinstance(status, int) else 0)
