"""``ceilings advise``: the smallest (degree, l_max) for a wanted l, symmetry or spectrum; which knob data and models lack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import choices, options
from .advise_data import measure
from .reading_options import (
    AcceptUnits,
    Elements,
    EnergyKey,
    ForcesKey,
    ForceUnits,
    GroupKey,
    Isolated,
    LengthUnits,
    Select,
    StressKey,
    reading_options,
)

if TYPE_CHECKING:
    from ..theory import Advice, SymmetryAdvice

_EPILOG = "Example: ceilings advise --symmetry C5   or   ceilings advise --data test.xyz --backbone runs/mine --out runs/advice"


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


def _print_table(pairs: tuple[Advice, ...]) -> None:
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
    for choice in pairs:
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


def _exact(
    l: int | None,
    symmetry: str | None,
    weights: str | None,
    share: str,
    channels: int,
    both_parities: bool,
    neighbours: int,
    architectures: list[str],
    out: Path | None,
    as_json: bool,
) -> None:
    """Print the smallest pairs (degree, l_max) for a target that theory answers exactly; write them where asked."""
    from ..theory import advise, architecture_advice, symmetry_advice

    target: int | str | Mapping[int, int | Fraction] | None = symmetry if l is None else l
    if target is None:
        target = parse_weights(weights or "")
    pairs = advise(
        target,
        channels=channels,
        share=parse_fraction("--share", share),
        both_parities=both_parities,
        neighbours=neighbours,
    )
    site = None if symmetry is None else symmetry_advice(symmetry)
    data: dict[str, Any] = {"schema": "ceilings.advise/1", "choices": [_as_json(c) for c in pairs]}
    advised = [architecture_advice(name, pairs) for name in architectures]  # type: ignore[arg-type]
    if advised:
        data["architectures"] = [asdict(each) for each in advised]
    if site is not None:
        data["symmetry"] = _symmetry_as_json(site)
    if out is not None:
        from ..diagnostic.records.files import write_whole

        write_whole(out / "choices.json", json.dumps(data, indent=1) + "\n")
    if as_json:
        typer.echo(json.dumps(data, indent=1))
    else:
        _print_table(pairs)
        for sentence in (*([] if site is None else [site.sentence]), *(each.sentence for each in advised)):
            typer.echo(sentence)


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
        channels: Annotated[
            int | None,
            typer.Option(
                help="Copies of each irrep in the features; with --data: density channels of the base.",
                show_default="32, with --data 8",
            ),
        ] = None,
        neighbours: Annotated[
            int, typer.Option(help="Neighbours of an atom, for the exact cost of features.")
        ] = 20,
        both_parities: Annotated[
            bool, typer.Option("--both-parities", help="Features of both parities.")
        ] = False,
        architecture: Annotated[
            list[str] | None,
            choices.several(
                choices.KNOWN_ARCHITECTURES,
                "--architecture",
                help="What the choices mean for these architectures.",
            ),
        ] = None,
        data: Annotated[
            str | None,
            typer.Option(
                "--data", "--structures", help="Structures with forces: measure what the forces need."
            ),
        ] = None,
        backbone: Annotated[
            str | None,
            typer.Option(
                "--backbone",
                "--model",
                help="With --data: measure what limits this model, which was not trained on "
                "these structures.",
            ),
        ] = None,
        l_max: Annotated[
            int | None,
            typer.Option("--l-max", help="With --data: L of the base; default: the model's, or 2."),
        ] = None,
        cutoff: Annotated[
            float | None,
            typer.Option(help="With --data: cutoff of the base (Å); default: the model's, or 5."),
        ] = None,
        farther: Annotated[
            float, typer.Option(help="With --data: how much the knob cutoff adds to the cutoff (Å).")
        ] = 2.0,
        top: Annotated[
            int | None,
            typer.Option(
                help="With --data: highest l of the knob degree; default: 6, or L + 3 if that is more."
            ),
        ] = None,
        accuracy: Annotated[
            float, typer.Option(help="With --data: force error below which nothing is missing (meV/Å).")
        ] = 1.0,
        limit: Annotated[
            int,
            typer.Option("--frames", help="With --data: use at most this many structures, spread evenly."),
        ] = 1000,
        out: Annotated[
            Path | None,
            typer.Option(
                "--out",
                help="Folder to write: with --data a run directory with a page, otherwise choices.json.",
            ),
        ] = None,
        seed: options.Seed = 0,
        units: options.Units = None,
        force_units: ForceUnits = None,
        length_units: LengthUnits = None,
        elements: Elements = None,
        accept_units: AcceptUnits = False,
        forces_key: ForcesKey = None,
        energy_key: EnergyKey = None,
        stress_key: StressKey = None,
        select: Select = None,
        isolated: Isolated = False,
        group_key: GroupKey = None,
        trust: options.Trust = False,
        device: options.Device = "cpu",
        as_json: options.AsJson = False,
    ) -> None:
        """Say what to choose: exactly for an l, a symmetry or a spectrum, or measured on data and on a trained model.

        With --l, --symmetry or --weights: the smallest pairs (degree, l_max) and what each costs. With --data: which knob
        (degrees above L, radial channels, order 3, a longer cutoff) holds most of the forces, or with --backbone of the error
        of a model.
        """
        from ..diagnostic.records.run_directory import check_new
        from ..theory import InputError

        given = [value for value in (l, symmetry, weights, data) if value is not None]
        if backbone is not None and data is None:
            raise InputError(
                "--backbone is given without --data: give structures with forces that it was not trained on"
            )
        if len(given) != 1:
            raise InputError(
                f"{len(given)} targets are given: give exactly one of --l, --symmetry, --weights and --data"
            )
        if architecture and data is not None:
            raise InputError(
                "--architecture is given with --data, which measures and knows a model by --backbone: leave it out"
            )
        if data is None:
            if out is not None:
                check_new(out)
            _exact(
                l,
                symmetry,
                weights,
                share,
                32 if channels is None else channels,
                both_parities,
                neighbours,
                architecture or [],
                out,
                as_json,
            )
            return
        from ..diagnostic.advice.settings import AdviceSettings

        settings = AdviceSettings(
            l_max=l_max, cutoff=cutoff, top=top, farther=farther, accuracy=accuracy / 1000, structures=limit, seed=seed,
            **({} if channels is None else {"channels": channels}),
        )  # fmt: skip
        reading = reading_options(
            units, force_units, length_units, elements, accept_units, forces_key=forces_key, energy_key=energy_key,
            stress_key=stress_key, select=select, isolated=isolated, group_key=group_key,
        )  # fmt: skip
        measure(data, backbone, settings, reading, out, trust=trust, device=device, as_json=as_json)
