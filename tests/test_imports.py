"""The house rules, read off the source: direction of imports, no floats in theory, docstrings, sizes, versions."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("theory", "numerics", "diagnostic", "paper_checks", "sweeps", "cli")
#: The rooms of diagnostic, bottom up: each may import those before it, and none after it.
ROOMS = (
    "records",
    "implementations",
    "frames",
    "generation",
    "injection",
    "recovery",
    "backbones",
    "training",
    "readouts",
    "pages",
    "measurement",
    "report",
    "diagnosis",
    "comparison",
    "curves",
    "advice",
    "auditing",
    "symmetry",
    "dynamics",
    "orientation",
    "observables",
    "observing",
    "artefacts",
    "calibration",
    "whole_models",
)
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in SOURCES]

#: A module past this length is two modules.
LONGEST = 400
#: A function past this length is two functions; a command's declaration of its options is not counted.
LONGEST_FUNCTION = 80
#: Third-party packages that bring floating point with them.
FLOATING = {"numpy", "scipy", "torch", "e3nn", "numba", "matplotlib", "cmath"}
#: Folders that only exist on somebody's machine, as the start of a path; none may be written down.
MACHINE_PATH = re.compile(r"(?<![\w.~}>-])/(?:work|root|home|Users|tmp|opt|mnt|scratch)/\w|\b[C-Z]:\\\\?\w")
#: Package indices and their mirrors, spelled so that this file does not match itself.
REGISTRY = re.compile(
    "|".join(
        ("py" + r"pi\.", "py" + "thonhosted", "anaconda" + r"\.", "conda" + r"\.anaconda", "arti" + "factory")
    )
)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of everything that a module imports, relative names resolved from the root."""
    here = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.removeprefix("spectral_ceilings.")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(here[: len(here) - node.level]) if node.level else []
            module = ".".join([*base, *(node.module.split(".") if node.module else [])])
            module = module.removeprefix("spectral_ceilings.")
            # "from .. import numerics" names the package only after the word import
            yield from ((node.lineno, f"{module}.{alias.name}".lstrip(".")) for alias in node.names)


def tracked() -> list[Path]:
    """Return the files of the repository, or of the unpacked source where there is no repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    folders = (*PACKAGES, "tests", "docs", "benchmarks", "examples")
    return [
        *ROOT.glob("*.*"),
        *(path for folder in folders for path in (ROOT / folder).rglob("*.*") if path.is_file()),
    ]


def text_of(path: Path) -> str | None:
    """Return the text of a file, None where it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def test_the_rules_see_every_package() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(PACKAGES)


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_imports_go_one_way(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    allowed = PACKAGES[: PACKAGES.index(own) + 1]
    others = [package for package in PACKAGES if package not in allowed] + [
        "tests",
        "benchmarks",
        "examples",
        "docs",
    ]
    wrong = [(line, name) for line, name in imports(path, parsed(path)) if name.split(".")[0] in others]
    assert not wrong, f"{own} may import {', '.join(allowed)} only"


def room_of(name: str) -> str | None:
    """Return the room of a dotted name, None where it lies outside of diagnostic or names the package itself."""
    parts = name.split(".")
    return parts[1] if parts[0] == "diagnostic" and len(parts) > 1 and parts[1] in ROOMS else None


ROOM_SOURCES = [path for path in SOURCES if path.relative_to(ROOT).parts[0] == "diagnostic"]


def test_every_file_of_diagnostic_stands_in_a_room() -> None:
    places = {path.relative_to(ROOT / "diagnostic").with_suffix("").parts[0] for path in ROOM_SOURCES}
    assert places == {*ROOMS, "__init__"}


@pytest.mark.parametrize("path", ROOM_SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_know_only_those_below_them(path: Path) -> None:
    own = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if own is None:
        return  # the face of the package names every room, when it is asked
    allowed = ROOMS[: ROOMS.index(own) + 1]
    wrong = [
        (line, name) for line, name in imports(path, parsed(path)) if room_of(name) not in (None, *allowed)
    ]
    assert not wrong, f"{own} may import {', '.join(allowed)} only"


def test_no_circle_of_imports_is_left() -> None:
    """Imports inside functions count too: a circle that is broken at run time is a circle to its reader."""
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in SOURCES}
    graph = {}
    for path in SOURCES:
        own = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        named = {name for _, name in imports(path, parsed(path))}
        named |= {name.rpartition(".")[0] for name in named}
        graph[own] = (named & modules) - {own}
    done: set[str] = set()
    while free := {name for name, needs in graph.items() if name not in done and needs <= done}:
        done |= free
    assert set(graph) == done, "these modules import one another"


def test_the_tests_of_diagnostic_stand_in_the_same_rooms() -> None:
    folders = {path.name for path in (ROOT / "tests" / "diagnostic").iterdir() if path.name != "__pycache__"}
    assert folders <= {room for room in ROOMS if room != "diagnosis"}


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_a_package_imports_itself_by_relative_names(path: Path) -> None:
    absolute = [
        node.lineno
        for node in ast.walk(parsed(path))
        if (
            isinstance(node, ast.ImportFrom)
            and not node.level
            and str(node.module).startswith("spectral_ceilings")
        )
        or (
            isinstance(node, ast.Import)
            and any(alias.name.startswith("spectral_ceilings") for alias in node.names)
        )
    ]
    assert not absolute


THEORY = [path for path in SOURCES if path.relative_to(ROOT).parts[0] == "theory"]


@pytest.mark.parametrize("path", THEORY, ids=lambda path: path.name)
def test_theory_has_no_floating_point(path: Path) -> None:
    tree = parsed(path)
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            found.append((node.lineno, f"literal {node.value!r}"))
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            # evalf and n turn an exact SymPy expression into a float
            if called in {"float", "complex", "Float", "evalf", "n", "N", "round"}:
                found.append((node.lineno, f"call of {called}"))
    found += [(line, name) for line, name in imports(path, tree) if name.split(".")[0] in FLOATING]
    assert not found


@pytest.mark.parametrize("path", THEORY, ids=lambda path: path.name)
def test_theory_takes_from_math_only_what_is_exact(path: Path) -> None:
    exact = {"math.comb", "math.factorial", "math.gcd", "math.isqrt", "math.lcm", "math.perm", "math.prod"}
    taken = {name for _, name in imports(path, parsed(path)) if name.split(".")[0] == "math"}
    assert taken <= exact


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(parsed(path))
    assert docstring
    assert len(docstring.split()) >= 3 or docstring.strip() == f"spectral_ceilings.{path.parent.name}."


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert settings["package-dir"][f"spectral_ceilings.{package}"] == package
    assert "py.typed" in settings["package-data"][f"spectral_ceilings.{package}"]


def test_every_folder_of_code_is_a_package_that_a_wheel_holds() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {path.parent.relative_to(ROOT) for path in SOURCES}
    names = {f"spectral_ceilings.{'.'.join(folder.parts)}": folder.as_posix() for folder in folders}
    assert settings["package-dir"] == names
    assert sorted(settings["packages"]) == sorted(names)


def test_no_file_of_code_is_too_long() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked()
        if path.suffix in {".py", ".md", ".css", ".html", ".toml", ".yml", ".yaml"}
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert not long


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_no_function_is_too_long(path: Path) -> None:
    """A command's options are declared in its signature and registered in a function: the command line is not counted."""
    if path.relative_to(ROOT).parts[0] == "cli":
        return
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    }
    assert not long


@pytest.mark.parametrize(
    ("pattern", "example"),
    [(MACHINE_PATH, "see /" + "home/someone/data"), (REGISTRY, "https://py" + "pi.org/simple")],
    ids=["no path of one machine", "no package registry"],
)
def test_tracked_files_name(pattern: re.Pattern[str], example: str) -> None:
    assert pattern.search(example)  # a pattern that cannot match proves nothing
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        if (text := text_of(path)) is not None
        for number, line in enumerate(text.splitlines(), start=1)
        if len(line) < 2000 and pattern.search(line)  # longer lines are data
    ]
    assert not found


def test_the_version_is_told_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == project["version"]
    assert citation["license"] == project["license"]
    assert citation["title"] == project["name"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(project['version'])}\]", changes, flags=re.MULTILINE)
