"""There is one device code: nothing computes in its own way for a card, and no inner loop asks a card for a number."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("theory", "numerics", "diagnostic", "paper_checks", "sweeps", "cli")
#: Where code may ask which kind of device it has, and why. Everything else is the same on all.
ASKING = {
    "diagnostic/records/devices.py": "the one place that knows devices: names, free memory, what an error of theirs says",
    "diagnostic/readouts/compute.py": "loads a card's solvers before threads do; keeps arrays on the host where a card is small",
    "numerics/spectrum.py": "mps has no float64: its values are summed on the CPU",
}
#: Words of a device that code may not compare with.
_KINDS = {"cuda", "cpu", "mps", "xpu", "hip"}
#: Rooms whose loops run once for each batch, l, strength or step.
LOOPS = (
    "diagnostic/readouts", "diagnostic/injection", "diagnostic/training", "diagnostic/backbones", "diagnostic/curves",
    "numerics",
)  # fmt: skip
#: Calls that make the host wait for a card where they are given one of its tensors.
WAITING = {"item", "cpu", "numpy"}


def _trees(rooms: tuple[str, ...]) -> Iterator[tuple[str, ast.Module]]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def asks_for_kind(tree: ast.AST) -> list[int]:
    """Return the lines that ask what kind of device there is: ``x.is_cuda``, ``torch.cuda``, ``device.type == "cuda"``."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (
            node.attr in ("is_cuda", "is_cpu", "is_mps")
            or (
                node.attr in ("cuda", "mps", "xpu")
                and isinstance(node.value, ast.Name)
                and node.value.id == "torch"
            )
        ):
            lines.append(node.lineno)
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            kinds = [side for side in sides if isinstance(side, ast.Constant) and side.value in _KINDS]
            asked = [
                side for side in sides if isinstance(side, ast.Attribute) and side.attr in ("type", "device")
            ]
            if kinds and asked:
                lines.append(node.lineno)
    return lines


def _per_batch(tree: ast.AST) -> set[str]:
    """Return names of functions that ``halving`` calls, once for each batch."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    halved = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "halving"]
    return {call.args[0].id for call in halved if call.args and isinstance(call.args[0], ast.Name)}


def waits_in_loops(tree: ast.AST) -> list[tuple[str, int]]:
    """Return (function, line) of each ``.item()``, ``.cpu()`` or ``.numpy()`` that runs once for each turn of a loop."""
    out: set[tuple[str, int]] = set()
    batches = _per_batch(tree)

    def visit(node: ast.AST, function: str, looped: bool) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name if function == "" else f"{function}.{node.name}"
            looped = node.name in batches
        if isinstance(node, ast.For | ast.AsyncFor):
            for part in (node.target, node.iter):
                visit(part, function, looped)
            for part in (*node.body, *node.orelse):
                visit(part, function, True)
            return
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            first = node.generators[0]
            visit(first.iter, function, looped)
            for child in ast.iter_child_nodes(node):
                if child is not first:
                    visit(child, function, True)
            for condition in first.ifs:
                visit(condition, function, True)
            return
        looped = looped or isinstance(node, ast.While)
        if (
            looped
            and isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in WAITING
        ):
            out.add((function, node.lineno))
        for child in ast.iter_child_nodes(node):
            visit(child, function, looped)

    visit(tree, "", False)
    return sorted(out)


def test_no_code_is_for_a_card_alone() -> None:
    asking = {name for name, tree in _trees(ROOMS) if asks_for_kind(tree)}
    assert asking == set(ASKING)  # a place that no longer asks leaves the list


_RESULT = "what a batch of frames gives goes to the host, once for a batch, which takes a quarter of a card's free memory"
_ONCE = "once for a model that is loaded"
#: Loops that may ask, and why: (file, function).
ALLOWED = {
    ("diagnostic/readouts/free.py", "of"): "the solutions of five strengths, once for a fit of all l",
    ("diagnostic/readouts/monomials.py", "_locate"): "tables of indices, made on the host once for a basis",
    ("diagnostic/training/cost.py", "errors_of"): _RESULT,
    (
        "diagnostic/backbones/e3nn_model.py",
        "energy_forces.forces",
    ): "networks of e3nn that a user wraps: they stay where they were made",
    ("diagnostic/backbones/fairchem_model.py", "_predicted"): _RESULT,
    ("diagnostic/backbones/fairchem_model.py", "respond"): _RESULT,
    ("diagnostic/backbones/fairchem_model.py", "stress.run"): _RESULT,
    ("diagnostic/backbones/mace_loading.py", "_check_same"): _ONCE,
    ("diagnostic/backbones/mace_loading.py", "_copy_values"): _ONCE,
    ("diagnostic/backbones/mace_model.py", "respond"): _RESULT,
    ("diagnostic/backbones/mace_model.py", "respond.run"): _RESULT,
    ("diagnostic/backbones/nequip_model.py", "respond"): _RESULT,
    ("diagnostic/backbones/nequip_model.py", "respond.run"): _RESULT,
    ("diagnostic/backbones/sevennet_model.py", "respond"): _RESULT,
    ("diagnostic/backbones/sevennet_model.py", "respond.run"): _RESULT,
    ("diagnostic/backbones/unconstrained_backbone.py", "energies_and_forces"): _RESULT,
    ("diagnostic/backbones/unconstrained_backbone.py", "features"): _RESULT,
    ("diagnostic/backbones/unconstrained_training.py", "structure_errors"): _RESULT,
}


def test_no_inner_loop_waits_for_a_card() -> None:
    waiting = {(name, function) for name, tree in _trees(LOOPS) for function, _ in waits_in_loops(tree)}
    assert waiting == set(ALLOWED)


@pytest.mark.parametrize(
    ("code", "asks"),
    [
        ("if x.device.type == 'cuda':\n    f()", True),
        ("f() if 'cpu' != where.type else g()", True),
        ("if values.is_cuda:\n    f()", True),
        ("torch.cuda.synchronize()", True),
        ("x.to('cuda')\ny = x.device", False),
        ("if kind.type == 'atoms':\n    f()", False),
    ],
)
def test_what_asks_for_the_kind_of_a_device(code: str, asks: bool) -> None:
    assert bool(asks_for_kind(ast.parse(code))) is asks


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("for x in y.cpu():\n    z(x)", []),
        ("for x in y:\n    z(x.item())", [2]),
        ("while True:\n    x.cpu()", [2]),
        ("[x.cpu() for x in y.cpu()]", [1]),
        ("def run(some):\n    return x[some].cpu()\nhalving(run, parts)", [2]),
        ("def run(some):\n    return x[some].cpu()\nrun(parts)", []),
        ("for k in y:\n    def f():\n        return x.cpu()", []),
    ],
)
def test_what_waits_in_a_loop(code: str, lines: list[int]) -> None:
    assert [line for _, line in waits_in_loops(ast.parse(code))] == lines
