"""``ceilings theory proof``: the span theorem for all d and L: what SymPy decides, what Coq checks, what is on paper."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .console import watched

if TYPE_CHECKING:
    from ..theory import FormalCheck, ProofStep


def register_proof(theory: typer.Typer) -> None:
    """Add ``proof`` to the command ``theory``."""

    @theory.command("proof", epilog="Examples: ceilings theory proof   |   ceilings theory proof --check")
    def proof(
        check: Annotated[
            bool,
            typer.Option("--check", help="Let Coq check its part on this machine, in about a minute."),
        ] = False,
        as_json: options.AsJson = False,
    ) -> None:
        """Prove the span theorem for all d and L at once, and say what SymPy, Coq and paper each prove.

        SymPy's steps are decided on the spot. Coq's theorems are listed with their files; --check compiles them and lists their
        axioms. Exit status 1 if a step does not hold.
        """
        from .. import theory as exact
        from .theory_tables import print_formal, print_proof

        steps = exact.prove_span_theorem()
        checked = None
        if check:
            with watched("Coq"):
                checked = exact.check_formal_proof()
        if as_json:
            typer.echo(json.dumps(_data(steps, checked), indent=1))
        else:
            print_proof(steps)
            print_formal(checked)
        if not all(step.holds for step in steps) or (checked is not None and not checked.holds):
            raise typer.Exit(1)


def _data(steps: tuple[ProofStep, ...], checked: FormalCheck | None) -> dict[str, Any]:
    from .. import theory as exact

    return {
        "schema": "ceilings.theory.proof/1",
        "steps": [
            {
                "name": step.name,
                "statement": step.statement,
                "formula": str(step.formula),
                "holds": step.holds,
            }
            for step in steps
        ],
        "coq": {
            "installed": exact.coq_installed(),
            "statements": [
                {
                    "name": statement.name,
                    "statement": statement.words,
                    "formal": statement.formal,
                    "file": f"theory/formal/{statement.file}",
                    "theorem": statement.theorem,
                }
                for statement in exact.formal_statements()
            ],
            "check": None
            if checked is None
            else {"holds": checked.holds, "without_axioms": list(checked.theorems), "output": checked.output},
        },
        "paper": [{"name": name, "statement": statement} for name, statement in exact.ON_PAPER],
    }
