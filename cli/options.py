"""Arguments and options that several commands share: the same names, the same meaning, the same words.

A command takes its model and its frames both as arguments and as options (``MODEL [DATA]``, ``--backbone MODEL --data DATA``).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from . import choices

#: What is measured where nothing else is named; a test holds it against the library.
MODEL = "aspirin-xtb-l2"
DATA = "aspirin-xtb"

_MODEL_HELP = (
    "A backbone: a file (.safetensors, .ckpt, .nequip.zip, .model, .pth, .pt), a directory of 'ceilings train', a name that "
    "'ceilings layers' lists, sevenn:7net-0, fairchem:NAME, module:callable or FILE.py:FUNCTION."
)
_DATA_HELP = (
    "Frames of one molecule: a file, aspirin-xtb (embedded), or a name such as rmd17:aspirin:train:01."
)

ModelArgument = Annotated[
    str | None,
    typer.Argument(metavar="MODEL", help="The same as --backbone.", show_default=False),
]
DataArgument = Annotated[
    str | None, typer.Argument(metavar="DATA", help="The same as --data.", show_default=False)
]
ModelOption = Annotated[
    str | None, typer.Option("--backbone", "--model", help=_MODEL_HELP, show_default=MODEL)
]
DataOption = Annotated[str | None, typer.Option("--data", "--structures", help=_DATA_HELP, show_default=DATA)]
HeldOut = Annotated[
    str | None,
    typer.Option(
        help="Held-out frames of the same molecule, used for testing only; default: a part of --data."
    ),
]
Units = Annotated[
    str | None,
    typer.Option(help="Units of files that do not state them: ENERGY or ENERGY,LENGTH, such as kcal/mol."),
]


#: The object of a context in which a command line is read for a sweep's plan: another machine may run it.
PLANNED = "planned"


def _usable_device(context: typer.Context, name: str) -> str:
    """Refuse a device that is not there before anything is read; torch is not imported for the CPU."""
    elsewhere = context.obj == PLANNED and re.fullmatch(r"cuda(:\d+)?", name)
    if name not in ("cpu", "auto") and not elsewhere:
        from ..diagnostic.records.devices import choose_device

        choose_device(name)
    return name


Trust = Annotated[
    bool,
    typer.Option("--trust", help="Open a file that can run code (a pickle, a .py file, a compiled model). Use it only if you "
                 "trust its author. Installed packages and the weights inside them, such as sevenn:7net-0, need none."),
]  # fmt: skip
Out = Annotated[Path, typer.Option("--out", help="Run directory to write.")]
Resume = Annotated[bool, typer.Option("--resume", help="Resume the run in --out where it stopped.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of all random numbers.")]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        help="Where to compute: cpu, cuda, cuda:1, or auto, the first GPU that can be used, else the CPU.",
        callback=_usable_device,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", help="Atoms fitted at a time; default: one for each available core."),
]
Frames = Annotated[
    int | None, typer.Option("--frames", help="Use at most this many frames, spread evenly; default: all.")
]

TrainedModel = Annotated[
    str | None,
    typer.Option(
        "--backbone",
        "--model",
        help="A trained model, or whatever else 'ceilings audit' takes.",
        show_default=False,
    ),
]
Temperature = Annotated[
    float,
    typer.Option(
        "--temperature", help="Of the first velocities, and of the thermostat where there is one (K)."
    ),
]
TimeStep = Annotated[float, typer.Option("--time-step", help="Integration step (fs).")]
Steps = Annotated[
    int, typer.Option("--steps", help="Steps of each run, after the equilibration where there is one.")
]

By = Annotated[
    str | None,
    choices.one_of(
        ("atom", "element"),
        "--by",
        help="Measure every atom of one molecule, or environments pooled by element; default: by atom for one molecule, by "
        "element for crystals and mixed sets.",
    ),
]
SelectAtoms = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        help="Which atoms, such as \"element == 'O' and structure < 100\"; of several, each is read out by itself.",
    ),
]
Environments = Annotated[
    int | None,
    typer.Option("--environments", help="Largest number of environments of each element; default: 2,000."),
]


def either(argument: str | None, option: str | None, names: str, default: str) -> str:
    """Return what was given as an argument or as an option, else the default.

    Raises
    ------
    BadParameter
        Both were given and differ; ``names`` says which, such as ``MODEL and --backbone``.
    """
    if argument is not None and option is not None and argument != option:
        raise typer.BadParameter(
            f"{names} are {argument!r} and {option!r}, which contradict each other; give one of them"
        )
    if argument is not None:
        return argument
    return default if option is None else option


def model_of(argument: str | None, option: str | None) -> str:
    """Return the model that a command was given, else the embedded one."""
    return either(argument, option, "MODEL and --backbone", MODEL)


def given_model(argument: str | None, option: str | None, example: str) -> str:
    """Return the model that a command was given, where none is embedded that it could take instead.

    Raises
    ------
    InputError
        No model was given; ``example`` is a command that gives one.
    BadParameter
        Two were given.
    """
    from ..theory.errors import InputError

    if argument is None and option is None:
        raise InputError(f"no model was given; give one, such as: {example}")
    return model_of(argument, option)


def data_of(argument: str | None, option: str | None) -> str:
    """Return the frames that a command was given, else the embedded ones."""
    return either(argument, option, "DATA and --data", DATA)
