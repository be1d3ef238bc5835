"""Verdicts on random models of which the right one is known: ``python -m benchmarks.verdict_fuzz --models 500``.

Each model is audited, diagnosed, or turned as a calculator. Wrong is a green verdict (``held``) where the claim is false, a red
one (``contradicted``) where theory holds, a statement of audits that says the opposite of what was built in, a refusal of what
is right, and any crash. ``undecided`` is allowed everywhere and counted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from ase import Atoms

from spectral_ceilings.diagnostic import (
    AuditSettings,
    DiagnoseSettings,
    SymmetrySettings,
    audit,
    diagnose,
    symmetry_audit,
)
from spectral_ceilings.diagnostic.frames.site_symmetry import atom_site_symmetry
from spectral_ceilings.diagnostic.symmetry.calculators import AuditStructures, NamedCalculator
from spectral_ceilings.theory import InputError

from .verdict_models import (
    DECLARED,
    FAULTS,
    GEOMETRIES,
    Block,
    Densities,
    Potential,
    frames_of,
    rotation_deviation,
)

T = TypeVar("T")
#: Picks one of several options: a generator's, or hypothesis'.
Choose = Callable[[Sequence[T]], T]
TOLERANCE = 0.1
#: Outcomes with a verdict, and the two ends of a run that is none.
OUTCOMES = ("held", "contradicted", "falls short", "undecided", "nothing tested", "refused", "crashed")


@dataclass(frozen=True)
class Case:
    """One model and what may be said of it.

    Attributes
    ----------
    job
        ``audit``, ``diagnose`` or ``symmetry``.
    truth
        ``holds``, ``falls short``, ``broken`` or ``nothing to hold``.
    words
        The model in words that make it again.
    allowed
        Outcomes that are right.
    statements
        Name -> what a statement of the verdict must be (None: it may be either way).
    run
        Gives the result's ``verdict``.
    """

    job: str
    truth: str
    words: str
    allowed: frozenset[str]
    statements: dict[str, bool]
    run: Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Judged:
    """What came out: the outcome, the sentence, and what is wrong with it ("" where nothing is)."""

    outcome: str
    sentence: str
    wrong: str


def judge(case: Case) -> Judged:
    """Run a case and hold its verdict against the truth."""
    try:
        verdict = case.run()
    except InputError as refusal:
        wrong = "" if "refused" in case.allowed else "refused what is right"
        return Judged("refused", str(refusal), wrong)
    except Exception as error:  # a crash is a wrong answer, and the other models are judged all the same
        return Judged("crashed", f"{type(error).__name__}: {error}", "crashed")
    outcome = outcome_of(verdict)
    if outcome not in case.allowed:
        return Judged(outcome, verdict["sentence"], f"{outcome}, where {case.truth} is true")
    for statement in verdict.get("statements", []):
        right = case.statements.get(statement["name"])
        if right is not None and statement["held"] is not None and statement["held"] != right:
            return Judged(
                outcome, verdict["sentence"], f"statement {statement['name']} is {statement['held']}"
            )
    return Judged(outcome, verdict["sentence"], "")


def outcome_of(verdict: dict[str, Any]) -> str:
    """Return the outcome; of a verdict without one, what ``held`` means."""
    if "outcome" in verdict:
        return str(verdict["outcome"])
    return {True: "held", False: "contradicted", None: "undecided"}[verdict["held"]]


def draw(choose: Choose[Any], job: str) -> Case:
    """Draw a case; the first option of each choice is the simplest."""
    return {"audit": _features, "diagnose": _features, "symmetry": _calculator}[job](choose, job)


def _features(choose: Choose[Any], job: str) -> Case:
    name = choose(tuple(GEOMETRIES))
    atom = choose(GEOMETRIES[name])
    motion = choose(("vibrating", "still")) if job == "audit" else choose(("vibrating",) * 3 + ("still",))
    blocks = []
    for l in range(choose((1, 2, 3, 0 if job == "audit" else 2)) + 1):
        for _ in range(choose((1, 1, 2, 0))):
            natural = choose((True, True, True, False))
            channels = choose((4, 3, 2, 1, 0))
            blocks.append(
                Block(channels, l, (-1) ** l if natural else -((-1) ** l), choose((False,) * 6 + (True,)))
            )
    if not any(block.channels and not block.zero and block.parity == (-1) ** block.l for block in blocks):
        # on planar molecules all others are zero but for rounding, and there is no size to compare it with
        blocks.append(Block(4, 0, 1))
    declared = choose(("true", *DECLARED))
    fault = choose(("none",) * 6 + FAULTS[1:])
    # a shift changes as much as it goes far, and components differ by a tenth of the amount: well above the tolerance of 1e-5
    amount = {"inversion": 0.3, "translation": 1e-2, "componentwise": 1e-2}.get(fault) or choose((1e-2, 1e-4))
    dtype = choose(("float64", "float32"))
    model = Densities(tuple(blocks), declared, fault, amount, dtype)
    degree, seed = choose((2, 1, 3) if job == "audit" else (2, 1)), choose(range(1000))
    words = f"{job} {name} atom {atom} {motion} {model} degree {degree} seed {seed}"
    frames = frames_of(name, 3 if job == "audit" else 140, motion, seed)
    truth, statements = _truth_of_features(model, frames, atom)
    refusals = (
        {"refused"}
        if truth == "broken"
        or truth == "hidden"
        or fault in ("axes", "translation")
        or _all_zero(model, frames)
        else set()
    )
    if job == "diagnose":
        statements = {}
        if _highest(model.blocks) == 0:
            refusals = {"refused"}  # a layer of scalars gives back nothing with l > 0
    allowed = _ALLOWED[truth] | refusals
    if job == "diagnose" and truth == "falls short" and not _asked_of(model):
        allowed |= {"held"}
    if job == "diagnose" and truth == "holds" and (motion == "still" or not _asked_of(model)):
        allowed |= {"nothing tested"}  # the symmetry of the site, or parity, can leave no l to compare with

    def run() -> dict[str, Any]:
        if job == "audit":
            settings = AuditSettings(
                parts=("features", "readouts"), degrees=(degree,), activations=(), atoms=(atom,), untrained=False,
                seed=seed,
            )  # fmt: skip
            return dict(audit(frames, model.backbone(), settings)["verdict"])
        top = degree * _highest(model.blocks) + 1
        asked = DiagnoseSettings(
            degrees=(degree,), l_top=top, readouts=("free",), atoms=(atom,), rotations=8, bootstrap=100,
            controls=False, seed=seed,
        )  # fmt: skip
        return dict(diagnose(frames, model.backbone(), asked)["verdict"])

    return Case(job, truth, words, frozenset(allowed), statements, run)


#: Truth -> outcomes that are right. Random features of few frames can fall short of what they could reach.
_ALLOWED = {
    "holds": {"held", "undecided", "falls short"},
    "falls short": {"falls short", "undecided", "nothing tested"},
    "nothing to hold": {"held", "nothing tested", "undecided", "falls short"},
    "broken": {"contradicted", "undecided"},
    # broken in a block that is nearly empty, by less than the rounding of the others: either answer is right
    "hidden": set(OUTCOMES) - {"crashed"},
}


def _highest(blocks: Sequence[Block]) -> int:
    return max((block.l for block in blocks if block.channels), default=0)


def _all_zero(model: Densities, frames: Any) -> bool:
    return bool(np.abs(model(frames.select(range(3)))).max(initial=0.0) == 0.0)


def _asked_of(model: Densities) -> bool:
    """Whether a field, which has the parity of Y_l, asks for anything of the highest l of the layer."""
    top = _highest(model.blocks)
    blocks = [block for block in model.blocks if block.l == top and block.channels]
    return any((model.parity_of(b) if b.zero else b.parity) == (-1) ** b.l for b in blocks)


def _truth_of_features(model: Densities, frames: Any, atom: int) -> tuple[str, dict[str, bool]]:
    live = [block for block in model.blocks if block.channels and not block.zero]
    site = atom_site_symmetry(frames.numbers, frames.positions[0], atom).group
    present = [block for block in live if site.invariants(block.l, block.parity)]
    statements: dict[str, bool] = {}
    for least, truth in ((1e-2, "broken"), (0.0, "hidden")):
        felt = [b for b in _anywhere(model, frames, least) if _breaks(model.fault, b)]
        if felt:
            return truth, statements
    statements["equivariance"] = True
    if model.fault == "none" and not _anywhere(model, frames, 0.0, 1e-2):
        right = all(model.parity_of(block) == block.parity for block in _anywhere(model, frames, 1e-2))
        statements["inversion"] = right
    top = _highest(model.blocks)
    if any(block.l == top for block in present):
        return "holds", statements
    empty = [block for block in model.blocks if block.zero and block.channels and block.l == top]
    allowed = any(site.invariants(block.l, model.parity_of(block)) for block in empty)
    return ("falls short" if allowed else "nothing to hold"), statements


def _breaks(fault: str, block: Block) -> bool:
    return fault in ("rotation", "translation") or (fault in ("componentwise", "axes") and block.l > 0)


def _anywhere(model: Densities, frames: Any, least: float, most: float = np.inf) -> list[Block]:
    """Return the blocks whose size in these frames, on any atom and relative to all, lies between two limits."""
    plain = Densities(model.blocks)(frames.select(range(3)))
    size, at, out = np.linalg.norm(plain), 0, []
    for block in model.blocks:
        width = block.channels * (2 * block.l + 1)
        share = np.linalg.norm(plain[..., at : at + width]) / size
        if width and not block.zero and max(least, 1e-13) < share <= most:
            out.append(block)
        at += width
    return out


def _calculator(choose: Choose[Any], job: str) -> Case:
    name = choose(("CH3CH2OH", "CH4", "NH3", "C6H6", "SF6"))
    motion = choose(("vibrating", "still"))
    fault = choose(("none", "rotation", "rotation", "inversion", "translation"))
    l, factor = choose((1, 2, 3, 4, 5, 6, 8)), choose((30.0, 5.0, 0.05))
    dtype = choose(("float64", "float32"))
    offset = choose((0.0, -1e3, -1e5))
    inverted, seed = choose((True, False)), choose(range(1000))
    frames = frames_of(name, 2, motion, seed)
    numbers, x = frames.numbers, frames.positions - frames.positions.mean(axis=1, keepdims=True)
    # what is broken is a multiple of the tolerance
    bond = float(np.mean(np.linalg.norm(x[:, 1] - x[:, 0], axis=1)))
    size = 0.0
    if fault == "rotation":
        size = factor * TOLERANCE / max(rotation_deviation(1.0, l, bond, len(numbers)))
    elif fault == "inversion":
        size = factor * TOLERANCE * 1e-3
    elif fault == "translation":  # a shift of 1 Å in each direction changes the energy by some 3 size
        size = factor * TOLERANCE * 1e-3 * len(numbers)
    calculator = Potential(fault, size, l, dtype, offset)
    words = (
        f"symmetry {name} {motion} {fault} l {l} size {size:.3g} eV ({factor:g} x tolerance) {dtype} offset {offset:g} "
        f"inversion {inverted} seed {seed}"
    )
    broken = fault in ("rotation", "translation") and factor > 1
    coarse = (
        dtype == "float32" and offset == -1e5
    )  # eV: one unit in the last place is 8 meV, hundreds of the tolerance
    statements = {
        "rotation": fault != "rotation" or not broken,
        "translation": fault != "translation" or not broken,
    }
    if fault == "none" and not coarse:
        statements["inversion"] = True
    if fault == "rotation" and l % 2 and broken and not coarse:
        statements["inversion"] = False
    allowed = {"contradicted", "undecided"} if broken else {"held", "undecided"}
    if coarse and factor < 1:
        allowed |= {"undecided"}

    def run() -> dict[str, Any]:
        structures = AuditStructures(tuple(Atoms(numbers, positions) for positions in x), name, "0" * 64)
        settings = SymmetrySettings(
            structures=2, tolerance=TOLERANCE, inversion=inverted, checks=8, seed=seed
        )
        named = NamedCalculator(calculator, "potential", "Potential", None)
        return dict(symmetry_audit(structures, named, settings)["verdict"])

    return Case("symmetry", "broken" if broken else "holds", words, frozenset(allowed), statements, run)


def table_of(judged: Sequence[tuple[Case, Judged]]) -> str:
    """Return the confusion table: truth by outcome, for each job."""
    counts = Counter((case.job, case.truth, result.outcome) for case, result in judged)
    lines = [f"{'job':9} {'truth':16}" + "".join(f"{name:>15}" for name in OUTCOMES)]
    for job, truth in sorted({(case.job, case.truth) for case, _ in judged}):
        lines.append(f"{job:9} {truth:16}" + "".join(f"{counts[job, truth, name]:>15}" for name in OUTCOMES))
    wrong = sum(bool(result.wrong) for _, result in judged)
    return "\n".join([*lines, f"{len(judged)} models, {wrong} wrong verdicts"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every wrong verdict with its model, and the confusion table; status 1 where one is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", default="audit,diagnose,symmetry")
    parser.add_argument("--first", type=int, default=0, help="number of the first model")
    parser.add_argument("--each", action="store_true", help="one JSON line for each model")
    asked = parser.parse_args(arguments)
    jobs, judged = asked.jobs.split(","), []
    start = time.perf_counter()
    for k in range(asked.first, asked.first + asked.models):
        rng = np.random.default_rng([asked.seed, k])
        case = draw(lambda options, rng=rng: options[int(rng.integers(len(options)))], jobs[k % len(jobs)])
        result = judge(case)
        judged.append((case, result))
        if result.wrong or asked.each:
            print(json.dumps({"model": k, "wrong": result.wrong, "outcome": result.outcome, "truth": case.truth,
                              "made": case.words, "sentence": result.sentence}), flush=True)  # fmt: skip
    print(table_of(judged))
    print(f"{time.perf_counter() - start:.0f} s")
    return int(any(result.wrong for _, result in judged))


if __name__ == "__main__":
    sys.exit(main())
