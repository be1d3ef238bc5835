"""One loader for every kind of backbone: it looks at what the source is and hands it to the module that reads it.

A format is one entry of :data:`FORMATS` and one function ``load(path) -> Backbone`` in a module of its own, which is
imported only when such a file is met. A backbone that can be built anew sets ``Backbone.untrained``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ...theory.errors import InputError
from .backbone import Backbone
from .checkpoint import EMBEDDED, embedded_names, load_own, resolve_backbone
from .sources import call_function, function_label, is_calculator, is_function, no_features, refuse_calculator
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

    def load(self, path: Path, *parts: str) -> Backbone:
        """Read the file; ``parts`` say which model of several in it is meant, where its kind of file has such."""
        return _function(self.home)(path, *parts)


def _function(home: str) -> Callable[..., Backbone]:
    module, function = home.split(":")
    named: Callable[..., Backbone] = getattr(import_module(f".{module}", __package__), function)
    return named


#: Names with a prefix: ``PREFIX:NAME``, and the function ``load(name, trust=...)`` that takes the whole of it.
NAMED = {"fairchem": "fairchem_loading:load_fairchem"}
FORMATS = (
    Format("nequip checkpoint", (".ckpt",), True, "nequip_files:load_nequip_checkpoint"),
    Format("nequip package", (".nequip.zip",), True, "nequip_files:load_nequip_package"),
    Format("MACE model", (".model",), True, "mace_loading:load_mace"),
    Format("SevenNet checkpoint", (".pth",), True, "sevennet_files:load_sevennet_checkpoint"),
    Format("fairchem checkpoint", (".pt",), True, "fairchem_loading:load_fairchem_checkpoint"),
)
#: Models whose weights lie inside an installed package, ``PACKAGE:NAME``, and the function that loads one by name.
INSTALLED = {"sevenn": "sevennet_files:load_sevennet_name"}


def load_backbone(
    source: str | Path = EMBEDDED, *, trust: bool = False, untrained_seed: int | None = None
) -> Backbone:
    """Load a backbone in float64, whatever kind of file it comes in.

    Parameters
    ----------
    source
        A ``.safetensors`` file or directory that ``ceilings train`` wrote, the name of an embedded model, a nequip
        ``.ckpt`` or ``.nequip.zip`` (of NequIP or Allegro), a MACE ``.model``, a fairchem ``.pt`` or
        ``fairchem:NAME`` (see :func:`.fairchem_settings.parse_source`), a SevenNet ``.pth`` (``FILE.pth:MODALITY``
        where it has several), the name of weights that ship inside the package sevenn, such as ``sevenn:7net-0`` or
        ``sevenn:7net-mf-0:PBE``, or a function that takes nothing and returns a backbone, a MACE model or its calculator:
        ``FILE.py:FUNCTION``, or ``module:callable`` of an installed package.
    trust
        Say that the file comes from someone you trust. Every format of a file but ours is a pickle or Python code, and a
        pickle can run any code when it is read. An installed package is trusted already, and so are the weights inside it.
    untrained_seed
        The same architecture with fresh random weights from this seed instead: the untrained control.

    Raises
    ------
    InputError
        No such source, a pickle without ``trust``, a calculator without features, an absent package, a damaged file, or an
        architecture that cannot be built anew where ``untrained_seed`` asks for it.
    """
    package, _, name = str(source).partition(":")
    if is_function(source):
        backbone = _from_python(str(source), trust)
    elif package in INSTALLED:
        backbone = _function(INSTALLED[package])(name)
    elif package in NAMED:
        backbone = _function(NAMED[package])(str(source), trust=trust)
    else:
        backbone = _from_file(str(source), trust)
    return backbone if untrained_seed is None else _untrained(backbone, untrained_seed)


def _from_file(source: str, trust: bool) -> Backbone:
    """Load a file of any known kind, or one of the backbones that ship with this package."""
    file, part = source, ""
    if not Path(source).exists() and ".pth:" in source:  # which modality of a SevenNet is meant
        file, part = source.rsplit(":", 1)
    path = Path(file)
    refuse_calculator(file)
    file_format = next((f for f in FORMATS if path.name.endswith(f.suffixes)), None)
    if file_format is None or source in embedded_names() or path.is_dir():
        if is_unconstrained(source):
            return load_unconstrained_backbone(source)
        return load_own(resolve_backbone(source), source)
    if not path.is_file():
        raise InputError(f"no {file_format.title} at {file}; give the path of a file")
    if file_format.pickled and not trust:
        raise InputError(
            f"{path.name} is a {file_format.title}, a pickle, which can run any code when it is read; add --trust (in Python "
            "trust=True) if you trust whoever made it"
        )
    return file_format.load(path, *([part] if part else []))


def _untrained(backbone: Backbone, seed: int) -> Backbone:
    if backbone.untrained is None:
        raise InputError(
            f"{backbone.info.source} cannot be rebuilt with random weights; leave out that control"
        )
    return backbone.untrained(seed)


def _from_python(source: str, trust: bool) -> Backbone:
    """Return the backbone that a function makes; models of MACE and fairchem and their calculators become one."""
    made, label = call_function(source, trust), function_label(source)
    backbone = as_backbone(made, label)
    if backbone is not None:
        return backbone
    if is_calculator(made):
        raise InputError(no_features(label, f"the calculator {type(made).__name__}"))
    raise InputError(
        f"{label} returned {type(made).__name__}, expected a backbone, such as from_module(...) gives"
    )


def as_backbone(made: object, label: str) -> Backbone | None:
    """Return the backbone of what a function gave: a backbone, or a model of MACE or fairchem in memory; None of others."""
    if isinstance(made, Backbone):
        return made
    if not becomes_backbone(made):
        return None
    if _package(made) == "fairchem":
        from .fairchem_loading import from_fairchem

        return from_fairchem(made, source=label)
    from .mace_loading import from_mace

    return from_mace(made, source=label)


def becomes_backbone(made: object) -> bool:
    """Whether an object is a backbone, or a model of MACE or fairchem, its calculator, or the sum that ``mace_mp`` gives."""
    parts = getattr(getattr(made, "mixer", None), "calcs", None) or [made]
    return isinstance(made, Backbone) or any(_package(part) in ("mace", "fairchem") for part in parts)


def _package(value: object) -> str:
    return type(value).__module__.partition(".")[0]
