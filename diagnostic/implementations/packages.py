"""The packages whose coupling tables are known here, and how each is loaded from what is installed."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import cast

from ...theory import InputError
from .coupling_table import CouplingTable

#: Yields the tables of one package: highest l of the harmonics, highest correlation, highest l of the output, and a
#: list to which it adds sentences on variants that cannot be made here.
Loader = Callable[[int, int, int, list[str]], Iterator[CouplingTable]]


@dataclass(frozen=True)
class Package:
    """A package with coupling tables.

    Attributes
    ----------
    name
        As the command line takes it.
    module
        What Python imports.
    distributions
        Installed distributions whose versions the tables depend on, the package's own first.
    install
        The command that installs it.
    loader
        Module and function of this room that load its coupling tables; "" if it has none.
    values
        Function of `package_values` that gives its coefficients, harmonics and Wigner matrices.
    """

    name: str
    module: str
    distributions: tuple[str, ...]
    install: str
    loader: str
    values: str = "e3nn_values"


#: Every package that `ceilings theory tables` knows, by its name on the command line.
PACKAGES = {
    package.name: package
    for package in (
        Package("e3nn", "e3nn", ("e3nn", "torch"), "pip install e3nn", "e3nn_tables.tables"),
        Package(
            "mace", "mace", ("mace-torch", "e3nn", "torch"), "pip install mace-torch", "mace_tables.tables"
        ),
        Package(
            "cuequivariance",
            "cuequivariance",
            ("cuequivariance",),
            "pip install cuequivariance",
            "cuequivariance_tables.tables",
            "cuequivariance_values",
        ),
        Package(
            "nequip",
            "nequip",
            ("nequip", "e3nn", "torch"),
            "pip install nequip",
            "tensor_product_tables.nequip_tables",
        ),
        Package(
            "allegro",
            "allegro",
            ("nequip-allegro", "nequip", "e3nn"),
            "pip install nequip-allegro",
            "tensor_product_tables.allegro_tables",
        ),
        Package(
            "sevennet",
            "sevenn",
            ("sevenn", "e3nn", "torch"),
            "pip install sevenn",
            "tensor_product_tables.sevennet_tables",
        ),
        Package("e3x", "e3x", ("e3x", "jax"), "pip install e3x", "e3x_tables.tables", "e3x_values"),
        Package(
            "sphericart", "sphericart", ("sphericart",), "pip install sphericart", "", "sphericart_values"
        ),
        Package("wigners", "wigners", ("wigners",), "pip install wigners", "", "wigners_values"),
    )
}


def package_of(name: str) -> Package:
    """Return the package of that name, if it is installed.

    Raises
    ------
    InputError
        If no such package is known here, or it is not installed.
    """
    if name not in PACKAGES:
        raise InputError(
            f"PACKAGE is {name!r}, which is none of {', '.join(PACKAGES)}, nor FILE.py:FUNCTION: give one of them"
        )
    package = PACKAGES[name]
    if find_spec(package.module) is None:
        raise InputError(
            f"{name} is not installed in this environment: {package.install}, then run the command again"
        )
    return package


def versions(package: Package) -> dict[str, str]:
    """Return the installed version of each distribution that the tables depend on."""
    installed = {}
    for name in package.distributions:
        with contextlib.suppress(PackageNotFoundError):
            installed[name] = version(name)
    return installed


def coupling_tables(
    name: str, l_max: int = 3, correlation: int = 3, output_l: int = 2, notes: list[str] | None = None
) -> Iterator[CouplingTable]:
    """Load the coupling tables of an installed package.

    Parameters
    ----------
    name
        One of `PACKAGES`.
    l_max
        Tables for harmonics up to L = 1..l_max.
    correlation
        Tables of degree nu = 2..correlation, where the package has polynomials.
    output_l
        Outputs l = 0..output_l, natural parity.
    notes
        Receives a sentence on each variant that cannot be made in this environment.

    Yields
    ------
    CouplingTable
        In e3nn's basis, float64.

    Raises
    ------
    InputError
        If the package is unknown or not installed.
    """
    package = package_of(name)
    if not package.loader:
        return
    module, _, function = package.loader.rpartition(".")
    load = cast(Loader, getattr(import_module(f".{module}", __package__), function))
    yield from load(l_max, correlation, output_l, [] if notes is None else notes)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what packages print and warn on import away from standard output."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def natural(l_max: int) -> str:
    """Return the irreps of the harmonics up to `l_max`: "0e+1o+2e" and so on."""
    return "+".join(f"{l}{'eo'[l % 2]}" for l in range(l_max + 1))


def natural_irrep(l: int) -> tuple[int, int]:
    """Return the irrep of the harmonics of degree l: (l, (-1)^l)."""
    return l, (-1) ** l
