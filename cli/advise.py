"""``ceilings advise``: the smallest (degree, l_max) for a wanted l, symmetry or spectrum."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options

if TYPE_CHECKING:
    from ..theory import Advice, SymmetryAdvice

_EPILOG = "Example: ceilings advise --symmetry C5   or   ceilings advise --weights 1:6,2:3,4:0.5 --share 0.95"


def parse_fraction(option: str, text: str) -> Fraction:
    """Read a fraction or a decimal exactly.

    Raises
    ------
    InputError
        If the text is neither.
    """
    from ..theory.errors import InputError

    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise InputError(
            f"{option}: {text!r} is not a number; write a decimal such as 0.95 or a fraction such as 19/20"
        ) from None


def parse_weights(text: str) -> dict[int, Fraction]:
    """Read weights written ``l:weight`` with commas between them.

    Raises
    ------
    InputError
        If the text is not of that form or an l is given twice.
    """
    from ..theory.errors import InputError

    weights: dict[int, Fraction] = {}
    for item in text.split(","):
        l, colon, weight = item.strip().partition(":")
        if not colon or not l.isdecimal():
            raise InputError(f"--weights: {item.strip()!r} is not l:weight; write for example 1:6,2:3,4:0.5")
        if int(l) in weights:
            raise InputError(f"--weights: l = {int(l)} is given twice; give each l once")
        weights[int(l)] = parse_fraction("--weights", weight)
    return weights


def _as_json(choice: Advice) -> dict[str, Any]:
    return {
        "degree": choice.degree,
        "l_max": choice.l_max,
        "boundary": choice.boundary,
        "share": str(choice.share),
        "irreps": choice.irreps,
        "coefficients": {str(l): count for l, count in choice.coefficients.items()},
        "multiplications": choice.multiplications,
        "feature_multiplications": choice.feature_multiplications,
        "product_multiplications": choice.product_multiplications,
        "polynomial_multiplications": choice.polynomial_multiplications,
    }


def _symmetry_as_json(advice: SymmetryAdvice) -> dict[str, Any]:
    return {
        "group": advice.group,
        "order": advice.order,
        "invariants": list(advice.invariants),
        "spherical_below": advice.spherical_below,
        "invisible_below": advice.invisible_below,
        "sentence": advice.sentence,
    }


def _number(value: int) -> str:
    return f"{value:,}" if value < 10**9 else f"about 10^{len(str(value)) - 1}"


def _print_table(choices: tuple[Advice, ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title="Minimal choices: with a lower degree or l_max, none of them reaches the target",
        caption="coefficients: free coefficients of an equivariant readout, summed over every wanted l. Multiplications for one "
        "atom: features up to l_max from its neighbours, by dense tensor products; products of them channel by channel; or "
        "products of all channels, those that the coefficients are of.",
    )
    columns = ("features", "products", "of all channels")
    for name in ("degree d", "l_max L", "ceiling dL", "share", "coefficients", *columns):
        table.add_column(name, justify="right")
    for choice in choices:
        share = choice.share * 1000
        tenths = share.numerator // share.denominator
        table.add_row(
            str(choice.degree),
            str(choice.l_max),
            str(choice.boundary),
            f"{tenths // 10}.{tenths % 10} %",
            _number(sum(choice.coefficients.values())),
            _number(choice.feature_multiplications),
            _number(choice.product_multiplications),
            _number(choice.polynomial_multiplications),
        )
    Console().print(table)


def register(app: typer.Typer) -> None:
    """Add the command ``advise`` to the application."""

    @app.command("advise", epilog=_EPILOG)
    def command(
        l: Annotated[int | None, typer.Option("--l", help="The angular frequency l to reach.")] = None,
        symmetry: Annotated[
            str | None, typer.Option(help="A point group to resolve: C5, C3v, D6h, S4, Td, Oh, ...")
        ] = None,
        weights: Annotated[
            str | None, typer.Option(help="A spectrum: l:weight for every l, with commas between them.")
        ] = None,
        share: Annotated[
            str, typer.Option(help="With --weights: the fraction of the total weight to reach.")
        ] = "1",
        channels: Annotated[int, typer.Option(help="Copies of each irrep in the features.")] = 32,
        neighbours: Annotated[
            int, typer.Option(help="Neighbours of an atom, for the cost of features.")
        ] = 20,
        both_parities: Annotated[
            bool, typer.Option("--both-parities", help="Features of both parities.")
        ] = False,
        as_json: options.AsJson = False,
    ) -> None:
        """Find the smallest pairs (degree, l_max) that reach an l, a symmetry or a spectrum, and what each costs."""
        from ..theory import InputError, advise, symmetry_advice

        given = [value for value in (l, symmetry, weights) if value is not None]
        if len(given) != 1:
            raise InputError(
                f"{len(given)} targets are given: give exactly one of --l, --symmetry and --weights"
            )
        target: int | str | Mapping[int, int | Fraction] | None = symmetry if l is None else l
        if target is None:
            target = parse_weights(weights or "")
        choices = advise(
            target,
            channels=channels,
            share=parse_fraction("--share", share),
            both_parities=both_parities,
            neighbours=neighbours,
        )
        site = None if symmetry is None else symmetry_advice(symmetry)
        if as_json:
            data: dict[str, Any] = {"schema": "ceilings.advise/1", "choices": [_as_json(c) for c in choices]}
            if site is not None:
                data["symmetry"] = _symmetry_as_json(site)
            typer.echo(json.dumps(data, indent=1))
        else:
            _print_table(choices)
            if site is not None:
                typer.echo(site.sentence)
