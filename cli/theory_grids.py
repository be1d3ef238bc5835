"""``ceilings theory grids``: on which grid of the sphere an activation keeps the symmetry, exactly or to a wanted error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import choices, options

if TYPE_CHECKING:
    from ..theory import GridCertificate, SphereGrid
    from ..theory.grid_certificate import Frame

_EPILOG = (
    "Examples: ceilings theory grids --l-max 6 --degree 2 --size 18 18   |   "
    "ceilings theory grids --l-max 4 --activation silu --bound 3 --error 1e-3   |   "
    "ceilings theory grids --l-max 6 --m-max 2 --degree 2 --rule edge"
)


@dataclass(frozen=True)
class _Question:
    """What is asked, checked: the frame and its grid, the bands, and the activation."""

    rule: str
    l_max: int
    l_out: int
    m_max: int | None
    degree: int | None
    activation: str | None
    bound: float | None
    error: float | None
    grid: SphereGrid | None

    @property
    def on_edges(self) -> bool:
        return self.m_max is not None

    @property
    def bands(self) -> tuple[int, int]:
        """Highest l (on edges: m) of features and output."""
        return (self.l_max, self.l_out) if self.m_max is None else (self.m_max, self.m_max)


def register_grids(theory: typer.Typer) -> None:
    """Add the command ``grids`` to ``ceilings theory``."""

    @theory.command("grids", epilog=_EPILOG)
    def grids(
        l_max: Annotated[int, typer.Option("--l-max", help="Highest l of the features, L.")],
        l_out: Annotated[
            int | None, typer.Option("--l-out", help="Highest l of the output; default: that of the features.")
        ] = None,
        degree: Annotated[
            int | None, typer.Option("--degree", help="Degree d of a polynomial activation.")
        ] = None,
        activation: Annotated[
            str | None, choices.one_of(choices.ACTIVATIONS, "--activation", help="An activation that is no polynomial.")
        ] = None,
        bound: Annotated[
            float | None,
            typer.Option("--bound", help="With --activation: largest absolute value that it is given."),
        ] = None,
        error: Annotated[
            float | None,
            typer.Option("--error", help="With --activation: wanted error, root mean square over the sphere."),
        ] = None,
        rule: Annotated[
            str,
            choices.one_of(
                choices.GRID_RULES, "--rule",
                help="Points: fejer (e3nn, fairchem), gauss, fairchem's default grid, or edge: the frame of an edge, where only "
                "rotations about it matter.",
            ),
        ] = "fejer",
        m_max: Annotated[
            int | None, typer.Option("--m-max", help="With --rule edge: highest order m of the messages.")
        ] = None,
        size: Annotated[
            tuple[int, int] | None,
            typer.Option("--size", metavar="N M", help="Numbers of polar angles and azimuths of the grid in question."),
        ] = None,
        out: Annotated[
            Path | None, typer.Option("--out", help="Write the certificate of the grid into this folder.")
        ] = None,
        as_json: options.AsJson = False,
    ) -> None:  # fmt: skip
        """Say on which grid of the sphere an activation keeps the symmetry of its features, and what is the smallest one.

        A polynomial of degree d is exactly equivariant iff the grid is exact up to d L + L_out; for others the error is bounded.
        Exit status 1 if the grid in question is not exact, or not sure to keep to --error.
        """
        question = _question(rule, l_max, l_out, m_max, degree, activation, bound, error, size)
        answer, certificate = _answer(question, certify=activation is None or out is not None)
        if out is not None and certificate is not None:
            from .theory_certificates import write_certificates

            paths = write_certificates([certificate], 1, out)
            typer.echo(f"{len(paths)} certificate in {out}", err=True)
        if as_json:
            typer.echo(json.dumps(answer, indent=1))
        else:
            _print(answer)
        if answer["holds"] is False:
            raise typer.Exit(1)


def _question(
    rule: str, l_max: int, l_out: int | None, m_max: int | None, degree: int | None, activation: str | None,
    bound: float | None, error: float | None, size: tuple[int, int] | None,
) -> _Question:  # fmt: skip
    """Check what was asked; BadParameter where options do not fit together."""
    from ..theory import SphereGrid, fairchem_grid
    from ..theory._checks import require_int

    require_int("--l-max", l_max, 1)
    if (degree is None) == (activation is None):
        raise typer.BadParameter("give either --degree, of a polynomial, or --activation")
    if activation is None and (bound is not None or error is not None):
        raise typer.BadParameter("--bound and --error belong to --activation, which is not given")
    if activation is not None and bound is None:
        raise typer.BadParameter(f"give --bound, the largest absolute value that {activation} is given")
    if (rule == "edge") != (m_max is not None):
        raise typer.BadParameter(
            "--rule edge and --m-max, the highest order of its messages, belong together"
        )
    if rule == "edge":
        require_int("--m-max", m_max, 1)
        if l_out is not None:
            raise typer.BadParameter("--l-out does not matter with --rule edge: leave it out")
    grid: SphereGrid | None
    if size is not None:
        grid = SphereGrid("gauss" if rule == "gauss" else "fejer", *size)
    else:
        grid = fairchem_grid(l_max, m_max) if rule in ("fairchem", "edge") else None
    if activation is not None and error is None and grid is None:
        raise typer.BadParameter("give --error, the wanted error, or --size, a grid whose error is asked for")
    highest = l_max if l_out is None else require_int("--l-out", l_out, 0)
    return _Question(rule, l_max, highest, m_max, degree, activation, bound, error, grid)


def _answer(question: _Question, certify: bool) -> tuple[dict[str, Any], GridCertificate | None]:
    """Return the data of the answer, and the certificate of the grid in question (or of the smallest).

    The degree for another activation can be beyond what is certified: then it is certified only where that is asked for.
    """
    from ..theory import grid_certificate, grid_degree_needed

    band, band_out = question.bands
    grid, error_bound = question.grid, None
    degree = question.degree
    if question.activation is not None:
        degree, error_bound = _degree_and_bound(question)
    smallest = None if degree is None else _smallest(question, degree)
    checked = grid if grid is not None else smallest
    assert checked is not None
    certificate = None
    if certify:
        frame: Frame = "edges" if question.on_edges else "atoms"
        certificate = grid_certificate(checked, degree or 1, band, band_out, frame)
    if question.activation is None:
        holds = None if grid is None or certificate is None else certificate.exact
    else:
        held = error_bound is not None and question.error is not None and error_bound <= question.error
        holds = None if question.error is None or grid is None else held
    answer = {
        "schema": "ceilings.theory.grids/1",
        "frame": "edges" if question.on_edges else "atoms",
        "rule": checked.rule,
        "l_max": question.l_max,
        "l_out": question.l_out,
        "m_max": question.m_max,
        "degree": degree,
        "activation": question.activation,
        "bound": question.bound,
        "error": question.error,
        "needed": None if degree is None else grid_degree_needed(degree, band, band_out),
        "grid": None if grid is None else _described(grid, question),
        "holds": holds,
        "error_bound": error_bound,
        "witness": None
        if certificate is None or certificate.witness is None
        else certificate.witness.to_dict(),
        "smallest": None if smallest is None else _described(smallest, question),
        **_resolutions(question, degree),
    }
    return answer, certificate


def _degree_and_bound(question: _Question) -> tuple[int | None, float | None]:
    """Return the degree that a grid has to be exact for, and the bound on the error of the grid in question."""
    from ..numerics import approximation_error, degree_for_error

    name, bound, grid = str(question.activation), float(question.bound or 0), question.grid
    band, band_out = question.bands
    approximation_error(name, 1, bound)
    degree = None
    if question.error is not None:
        degree = max(degree_for_error(name, bound, question.error), -(-band_out // band))
    if grid is None:
        return degree, 2 * approximation_error(name, degree or 1, bound)
    exact = grid.exact_edge_degree(band) if question.on_edges else grid.exact_degree(band, band_out)
    # The norm of the output needs products of two output harmonics.
    squares = grid.polar_degree if question.on_edges else grid.degree
    if not exact or squares < 2 * question.l_out:
        return degree, None
    return (exact if degree is None else degree), 2 * approximation_error(name, exact, bound)


def _smallest(question: _Question, degree: int) -> SphereGrid:
    from ..theory import SphereGrid, grid_degree_needed, smallest_grid

    if question.on_edges:
        rule = "fejer" if question.grid is None else question.grid.rule
        return SphereGrid(rule, 2 * question.l_max + 2, grid_degree_needed(degree, *question.bands) + 1)
    return smallest_grid(
        degree, question.l_max, question.l_out, "gauss" if question.rule == "gauss" else "fejer"
    )


def _described(grid: SphereGrid, question: _Question) -> dict[str, Any]:
    band, band_out = question.bands
    edges = question.on_edges
    return {
        "polar": grid.polar,
        "azimuthal": grid.azimuthal,
        "points": grid.points,
        "exact_to": grid.azimuthal - 1 if edges else grid.degree,
        "exact_degree": grid.exact_edge_degree(band) if edges else grid.exact_degree(band, band_out),
    }


def _resolutions(question: _Question, degree: int | None) -> dict[str, int | None]:
    """Return what e3nn's and fairchem's own option for the grid has to be."""
    from ..theory import fairchem_resolution, s2_activation_resolution

    s2 = fairchem = None
    if degree is not None and question.rule != "gauss":
        l_max, l_out = question.l_max, question.l_out
        if not question.on_edges:
            s2 = s2_activation_resolution(degree, l_max, l_out)
        if question.on_edges:
            needed = _smallest(question, degree).azimuthal
            fairchem = max(needed + needed % 2, 2 * l_max + 2)
        elif l_out == l_max:
            fairchem = fairchem_resolution(degree, l_max)
    return {"s2_activation_res": s2, "fairchem_grid_resolution": fairchem}


def _print(answer: dict[str, Any]) -> None:
    """Print the answer as sentences."""
    letter, edges = ("m", True) if answer["frame"] == "edges" else ("l", False)
    rule = "Gauss" if answer["rule"] == "gauss" else "Fejér"
    band = f"m <= {answer['m_max']} in the frame of an edge" if edges else f"l <= {answer['l_max']}"
    asked = (
        f"a polynomial of degree {answer['degree']}"
        if answer["activation"] is None
        else f"{answer['activation']} of values up to {answer['bound']:g}"
    )
    grid = answer["grid"]
    if grid is not None:
        exact = grid["exact_degree"]
        upto = {0: "not even linear maps", 1: "linear maps only"}.get(
            exact, f"polynomials up to degree {exact}"
        )
        typer.echo(
            f"{rule} grid {grid['polar']} x {grid['azimuthal']}, {grid['points']} points: exact up to {letter} = "
            f"{grid['exact_to']}, so for {upto} of features with {band}"
        )
    if answer["activation"] is None:
        typer.echo(f"{asked} of features with {band} needs a grid exact up to {letter} = {answer['needed']}")
        if grid is not None:
            typer.echo(
                "exactly equivariant on this grid" if answer["holds"] else _leak(answer["witness"], letter)
            )
    elif grid is not None or answer["error_bound"] is not None:
        limit = answer["error_bound"]
        where = "this grid" if grid is not None else "the grid below"
        typer.echo(
            f"{asked}: no bound on {where}, which is not exact enough for linear maps"
            if limit is None
            else f"{asked}: on {where} the output misses its exact value and rotations by at most {limit:.1e} (root mean square)"
        )
    smallest = answer["smallest"]
    if smallest is not None and (answer["activation"] is None or answer["error"] is not None):
        aim = "exact" if answer["activation"] is None else f"sure to keep to {answer['error']:g}"
        settings = [
            f"{name} {answer[key]}"
            for name, key in (
                ("S2Activation res", "s2_activation_res"),
                ("fairchem grid_resolution", "fairchem_grid_resolution"),
            )
            if answer[key] is not None
        ]
        more = f"; {', '.join(settings)}" if settings else ""
        shape = f"{smallest['polar']} x {smallest['azimuthal']}, {smallest['points']} points"
        typer.echo(f"smallest {rule} grid that is {aim}: {shape}{more}")


def _leak(witness: dict[str, Any], letter: str) -> str:
    """Say what the grid does to a product."""
    from fractions import Fraction

    factors = ", ".join(map(str, witness["factors"]))
    made = float(Fraction(witness["quadrature"]))
    return (
        f"NOT exactly equivariant: of a product of features with {letter} = {factors} and an output with {letter} = "
        f"{witness['output']} the grid makes {made:.3g} where the sphere makes {float(Fraction(witness['mean'])):.3g}"
    )
