"""Writes what every command of ``ceilings`` takes into the pages of the command line, from the commands themselves.

``python docs/command_tables.py`` replaces what stands between ``<!-- commands -->`` and ``<!-- end -->`` in ``cli.md``,
``cli-theory.md`` and ``cli-sweep.md``; a test compares, so that the pages cannot fall behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from spectral_ceilings.cli.app import build_app

FOLDER = Path(__file__).parent
#: Commands on pages of their own: those that need no model, and sweeps; all others are on the first.
ELSEWHERE = {"theory": "cli-theory.md", "calibrate": "cli-theory.md", "advise": "cli-theory.md", "paper": "cli-theory.md",
             "sweep": "cli-sweep.md", "artefacts": "cli-theory.md", "observe": "cli-theory.md"}  # fmt: skip
PAGES = ("cli.md", "cli-theory.md", "cli-sweep.md")
_BLOCK = re.compile(r"(<!-- commands -->\n).*?(<!-- end -->)", re.DOTALL)
#: How an option shows its choices: ``[a|b]`` for one of them, ``[a|b],...`` for some.
_CHOICES = re.compile(r"\[([\w|]+\|[\w|]+)\](,\.\.\.)?")
# Typer carries its own copy of click in newer releases: commands and parameters are typed loosely, by what they have.
Command = Any
Parameter = Any


def commands(group: Command | None = None, name: str = "ceilings") -> Iterator[tuple[str, Command]]:
    """Yield (full name, command) of everything that can be run, in the order of ``ceilings --help``."""
    command = typer.main.get_command(build_app()) if group is None else group
    inner = getattr(command, "commands", {})
    if not inner or command.invoke_without_command:
        yield name, command
    for word, subcommand in inner.items():
        yield from commands(subcommand, f"{name} {word}")


def _cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def _row(parameter: Parameter) -> str:
    if parameter.param_type_name == "argument":
        name = f"`{parameter.metavar or parameter.name.upper()}`" + (
            ", one or more" if parameter.nargs == -1 else ""
        )
    else:
        name = ", ".join(f"`{option}`" for option in (*parameter.opts, *parameter.secondary_opts))
    default = parameter.default
    if parameter.required:
        shown = "required"
    elif isinstance(parameter.show_default, str):
        shown = f"`{parameter.show_default}`"
    elif parameter.is_flag if hasattr(parameter, "is_flag") else False:
        shown = "on" if default else "off"
    else:
        shown = "" if default is None else f"`{default}`"
    choices = _CHOICES.fullmatch(parameter.metavar or "")
    meaning = parameter.help or ""
    if choices is not None:
        kind = "Some of" if choices[2] else "One of"
        meaning = f"{kind} {', '.join(f'`{word}`' for word in choices[1].split('|'))}. {meaning}"
    return f"| {name} | {shown} | {_cell(meaning)} |"


def section(name: str, command: Command) -> str:
    """Return the section of one command: what it does, its arguments and options, an example."""
    parts = [f"## {name}", "\n\n".join(" ".join(text.split()) for text in command.help.split("\n\n"))]
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    parts.append("\n".join(["| argument or option | default | meaning |", "|---|---|---|", *rows]))
    example = re.sub(r"^Examples?:\s*", "", command.epilog or "")
    lines = [line.strip() for line in re.split(r"\s{2,}(?:\||or)\s{2,}", example) if line.strip()]
    if lines:
        parts.append("\n".join(["```bash", *lines, "```"]))
    return "\n\n".join(parts)


def fill(page: str, markdown: str) -> str:
    """Replace the block of commands of a page."""
    text = "\n\n".join(
        section(name, command)
        for name, command in commands()
        if ELSEWHERE.get(name.split()[1], "cli.md") == page
    )
    return _BLOCK.sub(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", markdown)


if __name__ == "__main__":
    for page in PAGES:
        path = FOLDER / page
        path.write_text(fill(page, path.read_text(encoding="utf-8")), encoding="utf-8")
