"""Claims of three kinds whose checks are made up, and an outcome with everything that a report can show."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType

import pytest

from spectral_ceilings.paper_checks import registry
from spectral_ceilings.paper_checks.context import Context
from spectral_ceilings.paper_checks.outcome import Chart, Line, Outcome, Value
from spectral_ceilings.paper_checks.registry import Claim
from spectral_ceilings.theory.errors import InputError

MODULE = "made_up"
#: A text that is harmful if it reaches a page as it is.
HARMFUL = '<script>alert(1)</script> & | "quoted"'


def claim(name: str, *, must_hold: bool = True, **changes: str) -> Claim:
    fields = {
        "title": f"The claim {name}",
        "where": "Section 0",
        "statement": "One is one.",
        "paper_value": "1",
        "procedure": "Counting.",
        "criterion": "It is one.",
        "refuted_by": "Two.",
        "check": f"{MODULE}:{name.replace('-', '_')}",
    }
    return Claim(id=name, must_hold=must_hold, **{**fields, **changes})


@dataclass
class MadeUp:
    """Checks that count how often they ran, in a module of their own."""

    module: ModuleType
    ran: list[str] = field(default_factory=list)
    claims: tuple[Claim, ...] = ()

    def add(self, one: Claim, check: Callable[[Context], Outcome]) -> None:
        """Add a claim with its check, or replace the one of the same id."""

        def counted(context: Context) -> Outcome:
            self.ran.append(one.id)
            return check(context)

        setattr(self.module, one.check.partition(":")[2], counted)
        known = {**{other.id: other for other in self.claims}, one.id: one}
        self.claims = tuple(known.values())


def install(monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    """Put made-up claims in place of the registry's: one that holds, one that differs, one that lacks something."""
    module = ModuleType(f"spectral_ceilings.paper_checks.{MODULE}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    made = MadeUp(module)
    made.add(claim("first"), lambda _: Outcome("holds", "It is one.", values=(Value("one", 1.0, paper=1.0),)))
    made.add(
        claim("second", must_hold=False),
        lambda _: Outcome("holds in direction, number differs", "0.9, not 1.", values=(Value("one", 0.9),)),
    )

    def absent(_: Context) -> Outcome:
        raise InputError("the package unobtainium is not installed; install it")

    made.add(claim("third"), absent)
    monkeypatch.setattr(registry, "claims", lambda _="": made.claims)
    return made


def charts() -> tuple[Chart, ...]:
    """Return one chart of each kind, with what is hard to draw: gaps, intervals, logarithms, marks at an edge."""
    l = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    r2 = [0.99, 0.98, 0.97, 0.92, 0.0, -0.001]
    several = [
        Line(
            f"backbone {k}",
            l,
            [v * (1 - 0.02 * k) for v in r2],
            [v - 0.03 for v in r2],
            [v + 0.02 for v in r2],
        )
        for k in range(6)
    ]
    return (
        Chart(
            "Cliff",
            "degree l",
            "R²",
            "All fall at four.",
            lines=several,
            marks=((4.5, "ceiling 4"), (5.9, "edge")),
        ),
        Chart(
            "Cost",
            "L",
            "seconds",
            "Time grows as a power.",
            lines=(
                Line("measured", [1.0, 2.0, 4.0], [1e-3, None, 6e-2]),
                Line("theory", [1.0, 4.0], [1e-3, 6.4e-2], style="theory"),
                Line("long", list(map(float, range(1, 25))), [1e-3 * x for x in range(1, 25)], style="line"),
            ),
            log_x=True,
            log_y=True,
            y_range=(5e-4, 0.2),
        ),
        Chart(
            "Atoms",
            "R²",
            "",
            "Atoms differ.",
            kind="bars",
            categories=["C0", "C1", "O12 of the carboxyl group"],
            lines=(
                Line("l = 4", [0.0, 1.0, 2.0], [0.9, 0.7, None], [0.8, 0.6, None], [0.95, 0.75, None]),
                Line("l = 5", [0.0, 1.0, 2.0], [0.0, 0.01, 0.0]),
            ),
        ),
        Chart(
            "Grid",
            "L",
            "d",
            "The lower right is at one.",
            kind="grid",
            categories=["1", "2", "3"],
            rows=["1", "2"],
            cells=[[0.0, -0.0001, 0.4], [None, 1.0, 0.999]],
        ),
    )


def everything() -> Outcome:
    """Return an outcome with every part filled in, some of it with text that has to be escaped."""
    return Outcome(
        "holds",
        f"Found {HARMFUL}.",
        values=(
            Value("rho(4)", 0.921, 0.86, 0.95, paper=0.913),
            Value("ratio", 44.0, 20.0, None, paper=11.7, note="no upper end"),
            Value("count", 64.0, expected=64.0),
            Value("nothing", None, note="no path"),
        ),
        tables={
            f"Rows {HARMFUL}": [
                {"name": HARMFUL, "held": True, "none": None, "R2": 0.12345, "long": "x" * 300}
            ],
            "Empty": [],
        },
        charts=charts(),
        inputs={"frames": "aspirin-xtb", "SHA-256": "3b" * 32, "seed": 0},
    )
