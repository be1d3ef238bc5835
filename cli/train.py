"""``ceilings train``: a NequIP, Allegro or MACE backbone on energies and forces."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from . import choices, options
from .console import command_line, watched
from .reading_options import (
    AcceptUnits,
    Elements,
    EnergyKey,
    ForcesKey,
    ForceUnits,
    Isolated,
    LengthUnits,
    Select,
    StressKey,
    reading_options,
)

_EXAMPLE = "ceilings train --data aspirin-xtb --l-max 2 --out runs/aspirin-l2"


def register(app: typer.Typer) -> None:
    """Add ``ceilings train``."""
    app.command("train", epilog=f"Example: {_EXAMPLE}")(train_command)


def train_command(
    out: Annotated[
        Path, typer.Option("--out", help="Directory of the run, for backbone.safetensors and backbone.json.")
    ],
    frames_of: options.DataArgument = None,
    data: options.DataOption = None,
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
    held_out: Annotated[
        str | None,
        typer.Option(
            help="Held-out frames of the same molecule for the test error; default: a part of --data."
        ),
    ] = None,
    architecture: Annotated[
        str,
        choices.one_of(
            choices.ARCHITECTURES,
            "--architecture",
            help="What to train; unconstrained is a model without symmetry.",
        ),
    ] = "nequip",
    l_max: Annotated[int, typer.Option(help="Highest angular frequency l of the features.")] = 2,
    layers: Annotated[int, typer.Option(help="Interaction layers; the last one keeps scalars only.")] = 3,
    features: Annotated[int, typer.Option(help="Channels of each irrep.")] = 16,
    parity: Annotated[bool, typer.Option(help="Keep features of both parities.")] = True,
    correlation: Annotated[int, typer.Option(help="Correlation order of MACE's product basis.")] = 2,
    cutoff: Annotated[float, typer.Option(help="Cutoff radius (Å).")] = 5.0,
    steps: Annotated[int, typer.Option(help="Largest number of optimiser steps.")] = 4000,
    batch_size: Annotated[int, typer.Option(help="Frames per step.")] = 5,
    learning_rate: Annotated[float, typer.Option(help="Initial learning rate of Adam.")] = 0.01,
    patience: Annotated[
        int, typer.Option(help="Validations without a better force error before training stops.")
    ] = 8,
    validate_every: Annotated[int, typer.Option(help="Steps between validations.")] = 250,
    stress_weight: Annotated[
        float | None,
        typer.Option(
            help="Weight of the stress in the loss, beside 1 for forces and 0.1 for energies.",
            show_default="1 where the data have stress, else 0",
        ),
    ] = None,
    max_ell: Annotated[
        int | None,
        typer.Option(
            help="Degree of the harmonics of MACE's edges, the L of its messages.", show_default="3"
        ),
    ] = None,
    angular_term: Annotated[
        str | None,
        typer.Option(
            help="Add sums over angles of P_l(cos) to the labels, such as 4 or 1,-2,3, and measure what is learned of each.",
            show_default=False,
        ),
    ] = None,
    term_size: Annotated[
        float, typer.Option(help="Force RMS of every added term, as a part of that of the training labels.")
    ] = 0.5,
    term_cutoff: Annotated[
        float | None,
        typer.Option(help="Neighbours nearer than this (Å) form the angles.", show_default="--cutoff"),
    ] = None,
    scalar_pathway: Annotated[
        list[str] | None,
        choices.several(
            choices.SCALAR_PATHWAY,
            "--scalar-pathway",
            help="Modules that act on l = 0 only: PAN pooling, PGS mixers of the edges and of the readout.",
        ),
    ] = None,
    scalar_pathway_control: Annotated[
        bool,
        typer.Option(
            "--scalar-pathway-control",
            help="Plain residuals on scalars, of as many parameters, at the places of --scalar-pathway.",
        ),
    ] = False,
    augment: Annotated[
        bool,
        typer.Option(
            "--augment",
            help="For unconstrained: turn every training frame, cell and all, at random each time it is used.",
        ),
    ] = False,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    resume: options.Resume = False,
    as_json: options.AsJson = False,
) -> None:
    """Train a NequIP, Allegro or MACE backbone with the models and losses of these packages.

    On frames of one molecule, on crystals and on mixed sets, with stress where the data have it. 60 % of the frames train, 10 %
    choose the best weights, 30 % are held out for the test error. Every validation saves the whole state; if training is
    killed, the same command with --resume continues from there.
    """
    from ..diagnostic.frames.reading_any import read_data
    from ..diagnostic.training.angular_labels import AddedTerms, AngularTerms
    from ..diagnostic.training.data import TrainingData, split_of
    from ..diagnostic.training.train import Progress, Trainer, TrainingSettings, builder_settings
    from ..theory.errors import InputError

    settings = TrainingSettings(
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=patience,
        validate_every=validate_every,
        seed=seed,
        stress_weight=stress_weight or 0.0,
    )
    angular = (
        None
        if angular_term is None
        else AngularTerms.parsed(angular_term, term_size, cutoff if term_cutoff is None else term_cutoff)
    )
    if max_ell is not None and architecture != "mace":
        raise InputError(
            f"--max-ell is for mace, whose edges have harmonics of their own; leave it out for {architecture}"
        )
    if scalar_pathway_control and not scalar_pathway:
        raise InputError(
            "--scalar-pathway-control needs --scalar-pathway, whose modules it stands for; give both"
        )
    if scalar_pathway and architecture == "unconstrained":
        raise InputError(
            "--scalar-pathway is for nequip, allegro and mace, not for a model without symmetry; leave it out"
        )
    reading = reading_options(
        units, force_units, length_units, elements, accept_units, forces_key=forces_key, energy_key=energy_key,
        stress_key=stress_key, select=select, isolated=isolated,
    )  # fmt: skip
    frames = read_data(options.data_of(frames_of, data), **reading)
    others = None if held_out is None else read_data(held_out, **reading)
    split = split_of(frames, seed, with_held_out=others is None)
    if augment and architecture != "unconstrained":
        raise InputError(
            f"--augment teaches rotations, which {architecture} knows by construction; leave it out"
        )
    if architecture == "unconstrained":
        from .train_unconstrained import train_without_symmetry

        if resume:
            raise InputError(
                "--resume works for nequip, allegro and mace only; a model without symmetry trains in a minute or two"
            )
        who = "a model without symmetry"
        if angular is not None:
            raise InputError(f"--angular-term is for nequip, allegro and mace, not for {who}; leave it out")
        train_without_symmetry(
            frames, split, others, out, augment=augment, steps=steps, batch_size=batch_size, learning_rate=learning_rate,
            cutoff=cutoff, seed=seed, device=device, as_json=as_json,
        )  # fmt: skip
        return
    extra: dict[str, Any] = {"parity": parity}
    kind = Trainer
    if architecture == "mace":
        from ..diagnostic.training.mace import MACETrainer

        extra, kind = {"correlation": (correlation,)}, MACETrainer
        if max_ell is not None:
            extra["max_ell"] = max_ell
    taken = TrainingData.of(frames)
    added = None if angular is None else AddedTerms.settled(angular, taken, split.training)
    if stress_weight is None and taken.has_stress:
        settings = replace(settings, stress_weight=1.0)
    model = builder_settings(
        taken if added is None else added.added_to(taken),
        split,
        architecture,
        l_max=l_max,
        num_layers=layers,
        num_features=features,
        r_max=cutoff,
        seed=seed,
        scalar_pathway=tuple(scalar_pathway or ()),
        scalar_pathway_control=scalar_pathway_control,
        **extra,
    )
    trainer = kind(
        frames,
        split,
        model,
        settings,
        out,
        held_out=others,
        command=command_line(),
        kind=architecture,
        data=taken,
        terms=added,
        device=device,
    )
    trainer.prepare(resume)
    with watched("training") as watch:

        def tell(state: Progress) -> None:
            watch("training", state.step, steps)
            watch.note(f"validation force MAE {1e3 * state.force_mae:.1f} meV/Å")

        error = trainer.run(tell, step=lambda done: watch("training", done, steps))
    if as_json:
        typer.echo((out / "backbone.json").read_text())
        return
    from rich.console import Console

    record = json.loads((out / "backbone.json").read_text())
    training = record["training"]
    console = Console(soft_wrap=True, highlight=False, markup=False)  # a path may hold square brackets
    console.print(
        f"{record['parameters']} parameters, {training['steps_done']} steps in {training['seconds']:.0f} s, best at step "
        f"{training['best_step']}"
    )
    frames_held_out = training["held_out"]["frames"]
    tested = "not measured" if error is None else f"{1e3 * error:.1f} meV/Å ({frames_held_out} frames)"
    validated = 1e3 * training["validation_force_mae_eV_A"]
    console.print(f"force MAE: validation {validated:.1f} meV/Å, held out {tested}")
    cost = training["cost"]
    if cost["scalar_pathway_parameters"]:
        what = "plain residuals" if scalar_pathway_control else ", ".join(scalar_pathway or ())
        console.print(
            f"scalar pathway: {what}, {cost['scalar_pathway_parameters']} parameters (the named modules: "
            f"{cost['scalar_pathway_matched_parameters']})"
        )
    for term in training.get("angular_terms", {}).get("terms", []):
        console.print(
            f"angular term l = {term['l']}: learned {term['learned']:.3f} ({term['low']:.3f} to {term['high']:.3f})"
        )
    console.print(f"backbone: {out / 'backbone.safetensors'}")
