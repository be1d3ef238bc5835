"""The package holds no floating point and needs nothing but SymPy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import spectral_ceilings.theory as theory

_FILES = sorted(Path(theory.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.name)
def test_no_floating_point(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float | complex)), (
            f"line {node.lineno}"
        )
        assert not (isinstance(node, ast.Name) and node.id == "complex"), f"line {node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "float", f"line {node.lineno}"
        if isinstance(node, ast.ImportFrom) and node.module == "math":
            assert {alias.name for alias in node.names} <= {"comb", "factorial", "gcd", "isqrt", "prod"}
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= {
                "json",
                "re",
                "shutil",
                "subprocess",
                "sympy",
                "sys",
            }


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.name)
def test_imports_stay_inside_and_files_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert all(node.level <= 1 for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom))


def test_importing_the_theory_loads_no_numerical_library() -> None:
    code = "import sys, spectral_ceilings.theory; print([m for m in ('numpy', 'torch', 'e3nn', 'scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_face_is_complete() -> None:
    assert sorted(theory.__all__) == sorted(set(theory.__all__))
    assert all(hasattr(theory, name) for name in theory.__all__)
