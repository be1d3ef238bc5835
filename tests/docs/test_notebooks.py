"""The notebooks run from top to bottom, show what is stored in them, and are short."""

import ast
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib import pyplot
from same_output import agree

pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")

NOTEBOOKS = sorted((Path(__file__).parents[2] / "examples").glob("*.ipynb"))


@pytest.fixture(autouse=True)
def no_window() -> Iterator[None]:
    with matplotlib.rc_context({"backend": "agg"}):
        yield
    pyplot.close("all")


def run(code: str, namespace: dict[str, Any]) -> Any:
    """Run a cell; return the value of its last line, as a notebook shows it."""
    body = ast.parse(code).body
    last = body.pop() if isinstance(body[-1], ast.Expr) and not code.rstrip().endswith(";") else None
    exec(compile(ast.Module(body, []), "cell", "exec"), namespace)
    return None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)


def test_there_is_a_notebook() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["diagnose_in_a_notebook"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_says(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    lines = [line for cell in cells for line in cell["source"] if line.strip()]
    assert len(lines) <= 10
    namespace: dict[str, Any] = {"__name__": "notebook"}
    shown = []
    for cell in cells:
        value = run("".join(cell["source"]), namespace)
        (output,) = cell["outputs"]
        shown.append(output["output_type"])
        if output["output_type"] == "display_data":
            (number,) = pyplot.get_fignums()
            assert base64.b64decode(output["data"]["image/png"]).startswith(b"\x89PNG")
            assert all(axes.has_data() for axes in pyplot.figure(number).axes)
        else:
            assert agree("".join(output["data"]["text/plain"]), repr(value)), repr(value)
            assert agree("".join(output["data"]["text/html"]), value._repr_html_())
    assert shown == ["execute_result", "execute_result", "display_data"]
