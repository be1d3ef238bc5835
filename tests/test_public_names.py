"""Public names: each is imported from its package, when it is asked for; documentation and examples need no module below."""

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from spectral_ceilings.diagnostic.records.lazy import lazy_names

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("theory", "numerics", "diagnostic", "paper_checks", "sweeps", "cli")
#: Packages whose names are imported when they are asked for.
FACES = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("__init__.py")
    if "lazy_names(" in path.read_text(encoding="utf-8")
)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = sorted([*(ROOT / "examples").glob("*.py"), *(ROOT / "examples").glob("*.ipynb")])
HEAVY = {"torch", "matplotlib", "e3nn", "ase", "scipy", "sympy", "pandas", "jsonschema", "numba"}


def dotted(path: Path) -> str:
    return "spectral_ceilings." + ".".join(path.relative_to(ROOT).parent.parts)


def seen_by_type_checkers(path: Path) -> dict[str, tuple[str, str]]:
    """Return name -> (module, name there) of what stands under ``if TYPE_CHECKING`` and is no private name."""
    found: dict[str, tuple[str, str]] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.If):
            continue
        for line in node.body:
            if isinstance(line, ast.ImportFrom):
                assert line.level == 1
                found |= {str(one.asname): (f".{line.module}", one.name) for one in line.names}
            elif isinstance(line, ast.Assign):
                (target,) = line.targets
                found[target.id] = found[line.value.id]  # type: ignore[attr-defined]
    return {name: home for name, home in found.items() if not name.startswith("_")}


def test_every_room_has_a_face() -> None:
    rooms = {path.parent.name for path in (ROOT / "diagnostic").glob("*/__init__.py")}
    assert {path.parent.name for path in FACES} == rooms | {"diagnostic", "paper_checks", "sweeps"}


@pytest.mark.parametrize("path", FACES, ids=dotted)
def test_type_checkers_and_python_see_the_same_names(path: Path) -> None:
    package, seen = importlib.import_module(dotted(path)), seen_by_type_checkers(path)
    assert sorted(seen) == sorted(package.__all__)
    for name, (module, inside) in seen.items():
        assert getattr(package, name) is getattr(importlib.import_module(module, package.__name__), inside)
        assert importlib.util.find_spec(f"{package.__name__}.{name}") is None, f"{name} is a module too"
        assert name in dir(package)
    with pytest.raises(AttributeError, match="has no attribute 'nothing_of_this_name'"):
        package.nothing_of_this_name  # noqa: B018


def test_a_name_of_two_meanings_is_refused() -> None:
    for homes in ({"a": ["name"], "b": ["name"]}, {"a": ["one"], "one": ["a"]}):
        with pytest.raises(ValueError, match="has two meanings"):
            lazy_names("package", homes)
    get, names, public = lazy_names("math", {"a": {"other": "name"}, "b": ["free"]})
    assert public == ["free", "other"]
    assert {"other", "free", "sqrt"} <= set(names())
    with pytest.raises(ModuleNotFoundError):
        get("other")


@pytest.mark.parametrize(
    "code",
    [
        "import spectral_ceilings.theory",
        "import spectral_ceilings.cli.theory_tables",
        "import spectral_ceilings.diagnostic",
        "import spectral_ceilings.paper_checks",
        "from spectral_ceilings.diagnostic import Diagnosis, Audit, Comparison, LearningCurves, SymmetryAudit, JobResult",
        "from spectral_ceilings.diagnostic import DiagnoseSettings; DiagnoseSettings()",
    ],
)
def test_importing_is_light(code: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(' '.join(sys.modules))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not {name.partition(".")[0] for name in run.stdout.split()} & {"torch", "matplotlib", "pandas"}
    if code.startswith("import"):
        assert not {name.partition(".")[0] for name in run.stdout.split()} & HEAVY


def python_of(path: Path) -> Iterator[str]:
    """Yield the pieces of Python of a page, a notebook or a script."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield from re.findall(r"^```python[^\n]*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    elif path.suffix == ".ipynb":
        import json

        yield from (
            "".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"
        )
    else:
        yield text


def modules_of(code: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module.count(".") == 1:  # a module of the package in place of a name
                face = (
                    importlib.import_module(node.module)
                    if node.module.startswith("spectral_ceilings.")
                    else SimpleNamespace()
                )
                yield from (
                    f"{node.module}.{one.name}"
                    for one in node.names
                    if one.name not in getattr(face, "__all__", [one.name])
                )


@pytest.mark.parametrize("path", [*PAGES, *EXAMPLES], ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_user_reads_imports_from_the_packages(path: Path) -> None:
    deep = {
        name
        for code in python_of(path)
        for name in modules_of(code)
        if name.startswith("spectral_ceilings.") and name.count(".") > 1
    }
    assert not deep


def test_examples_in_docstrings_import_from_the_packages() -> None:
    deep = re.compile(r">>> (?:from|import) spectral_ceilings\.\w+\.\w")
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert not [path for path in sources if deep.search(path.read_text(encoding="utf-8"))]
