"""One loader for every kind of backbone: it looks at what the source is and hands it to the module that reads it.

A format is one entry of :data:`FORMATS` and one function ``load(path) -> Backbone`` in a module of its own, which is
imported only when such a file is met. A backbone that can be built anew sets ``Backbone.untrained``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from inspect import Parameter, signature
from pathlib import Path

from ...theory.errors import InputError
from .backbone import Backbone
from .checkpoint import EMBEDDED, embedded_names, load_own, resolve_backbone
from .unconstrained_backbone import load_unconstrained_backbone
from .unconstrained_files import is_unconstrained


@dataclass(frozen=True)
class Format:
    """A kind of file that holds a backbone.

    Attributes
    ----------
    title
        What the file is called in a message.
    suffixes
        How its name ends.
    pickled
        Whether reading it can run code that is stored in it.
    home
        ``module:function`` in this package; the function takes the path and returns the backbone. It raises
        InputError where the package that it needs is absent.
    """

    title: str
    suffixes: tuple[str, ...]
    pickled: bool
    home: str

    def load(self, path: Path) -> Backbone:
        """Read the file."""
        module, function = self.home.split(":")
        load: Callable[[Path], Backbone] = getattr(import_module(f".{module}", __package__), function)
        return load(path)


FORMATS = (
    Format("nequip checkpoint", (".ckpt",), True, "nequip_files:load_nequip_checkpoint"),
    Format("nequip package", (".nequip.zip",), True, "nequip_files:load_nequip_package"),
    Format("MACE model", (".model",), True, "mace_loading:load_mace"),
)
#: Endings of compiled models: nothing in them can be tapped.
_COMPILED = (".nequip.pth", ".nequip.pt2")


def load_backbone(
    source: str | Path = EMBEDDED, *, trust: bool = False, untrained_seed: int | None = None
) -> Backbone:
    """Load a backbone in float64, whatever kind of file it comes in.

    Parameters
    ----------
    source
        A ``.safetensors`` file or directory that ``ceilings train`` wrote, the name of an embedded model, a nequip
        ``.ckpt`` or ``.nequip.zip`` (of NequIP or Allegro), a MACE ``.model``, or ``FILE.py:FUNCTION``, a function that
        takes nothing and returns a backbone.
    trust
        Say that the file comes from someone you trust. Every format but ours is a pickle or Python code, and a pickle
        can run any code when it is read.
    untrained_seed
        The same architecture with fresh random weights from this seed instead: the untrained control.

    Raises
    ------
    InputError
        No such source, a pickle without ``trust``, a compiled model, an absent package, a damaged file, or an
        architecture that cannot be built anew where ``untrained_seed`` asks for it.
    """
    path = Path(source)
    if ".py:" in str(source):
        backbone = _from_python(str(source), trust)
        return backbone if untrained_seed is None else _untrained(backbone, untrained_seed)
    file_format = next((f for f in FORMATS if path.name.endswith(f.suffixes)), None)
    if file_format is None or str(source) in embedded_names() or path.is_dir():
        if path.name.endswith(_COMPILED):
            raise InputError(
                f"{path.name} is a compiled model, whose layers cannot be tapped; give the .ckpt or the .nequip.zip that it "
                "was compiled from"
            )
        if is_unconstrained(source):
            backbone = load_unconstrained_backbone(source)
        else:
            backbone = load_own(resolve_backbone(source), str(source))
    else:
        if not path.is_file():
            raise InputError(f"no {file_format.title} at {source}; give the path of a file")
        if file_format.pickled and not trust:
            raise InputError(
                f"{path.name} is a {file_format.title}, a pickle, which can run any code when it is read; add --trust (in Python "
                "trust=True) if you trust whoever made it"
            )
        backbone = file_format.load(path)
    return backbone if untrained_seed is None else _untrained(backbone, untrained_seed)


def _untrained(backbone: Backbone, seed: int) -> Backbone:
    if backbone.untrained is None:
        raise InputError(
            f"{backbone.info.source} cannot be rebuilt with random weights; leave out that control"
        )
    return backbone.untrained(seed)


def call_python(source: str, trust: bool) -> object:
    """Call a function of a Python file, ``FILE.py:FUNCTION``, and return what it gives."""
    file, name = source.rsplit(":", 1)
    path = Path(file)
    if not path.is_file():
        raise InputError(f"no Python file at {file}; expected FILE.py:FUNCTION")
    if not trust:
        raise InputError(
            f"{path.name} is Python code, which would be run; add --trust (in Python trust=True) if you trust whoever wrote it"
        )
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # dataclasses and pickles in the file look it up
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        raise InputError(
            f"{path.name} has no function {name!r}; expected one that takes nothing and returns a backbone"
        )
    needed = _needed(function)
    if needed:
        raise InputError(
            f"{name} in {path.name} takes {', '.join(needed)}, expected a function that takes nothing; give them defaults"
        )
    return function()


def _needed(function: Callable[..., object]) -> list[str]:
    """Return the names of the arguments without which a function cannot be called."""
    try:
        given = signature(function).parameters.values()
    except (TypeError, ValueError):  # written in C, or without a signature
        return []
    return [
        argument.name
        for argument in given
        if argument.default is Parameter.empty
        and argument.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    ]


def _from_python(source: str, trust: bool) -> Backbone:
    """Return the backbone that a function of a Python file makes."""
    backbone = call_python(source, trust)
    if not isinstance(backbone, Backbone):
        file, name = source.rsplit(":", 1)
        raise InputError(
            f"{name} in {Path(file).name} returned {type(backbone).__name__}, expected a backbone, such as from_module(...) gives"
        )
    return backbone
