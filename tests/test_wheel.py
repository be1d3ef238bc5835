"""The wheel, installed where the source is not: every module imports, its data are there, and a diagnosis writes its page."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = {name: ROOT / folder for name, folder in PROJECT["tool"]["setuptools"]["package-dir"].items()}

#: What the extras bring, by its name in an import statement: a plain installation has none of it.
EXTRAS = (
    "nequip", "allegro", "mace", "rdkit", "tblite", "submitit", "pandas", "mkdocs", "pytest", "hypothesis", "playwright",
    "yaml", "wigners", "flint", "sphericart",
)  # fmt: skip

#: Imports every module of the package, without the packages named as arguments; prints the file of each.
IMPORT_ALL = """
import importlib, importlib.abc, importlib.machinery, json, pkgutil, sys
import spectral_ceilings

class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name.partition(".")[0] in sys.argv[1:] else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        raise ModuleNotFoundError(module.__name__, name=module.__name__)

def fail(name):
    raise RuntimeError(name)

sys.meta_path.insert(0, Absent())
modules = pkgutil.walk_packages(spectral_ceilings.__path__, "spectral_ceilings.", onerror=fail)
print(json.dumps({name: importlib.import_module(name).__file__ for _, name, _ in modules}))
"""


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that knows nothing of this process's paths; a failure shows what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: building in place leaves folders that a later build would pack too."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in {path.relative_to(ROOT).parts[0] for path in PACKAGES.values()}:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    try:
        ready = int(metadata.version("setuptools").partition(".")[0]) >= 77
    except metadata.PackageNotFoundError:
        ready = False
    run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *(["--no-build-isolation"] if ready else []),
        "--wheel-dir", folder, source, cwd=folder,
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    shutil.rmtree(source)
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment: the wheel, and the third-party packages of the one that runs the tests."""
    home = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home)
    interpreter = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    (packages,) = home.rglob("site-packages")
    # As plain entries of the path: the .pth files in those folders, an editable install's among them, are not read.
    shared = [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    (packages / "shared.pth").write_text("".join(f"{entry}\n" for entry in shared), encoding="utf-8")
    run(
        sys.executable, "-m", "pip", "--python", interpreter, "install", "--quiet", "--no-deps", "--no-index",
        "--ignore-installed", wheel, cwd=home,
    )  # fmt: skip
    return interpreter


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tops = {name: folder for name, folder in PACKAGES.items() if name.count(".") == 1}
    expected = {
        f"{name.replace('.', '/')}/{path.relative_to(folder).as_posix()}"
        for name, folder in tops.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == expected
    for kind in ("templates/page.html.j2", "schemas/result.schema.json", "assets/report.css", "claims.toml"):
        assert any(name.endswith(kind) for name in packed), kind


def test_every_module_imports_from_the_installed_wheel(python: Path, tmp_path: Path) -> None:
    """Extras are asked for where they are used: no module needs one to be imported."""
    files = json.loads(run(python, "-I", "-c", IMPORT_ALL, *EXTRAS, cwd=tmp_path).stdout)
    home = python.parents[1].resolve()
    strangers = {name: file for name, file in files.items() if not Path(file).resolve().is_relative_to(home)}
    assert not strangers, "these came from somewhere else than the wheel"
    modules = {
        ".".join([name, *path.relative_to(folder).with_suffix("").parts]).removesuffix(".__init__")
        for name, folder in PACKAGES.items()
        for path in folder.glob("*.py")
    }
    assert set(files) == modules


def test_a_diagnosis_runs_and_writes_its_page(python: Path, tmp_path: Path) -> None:
    pytest.importorskip(
        "nequip", reason="the extra 'nequip' is not installed: the embedded backbone needs it"
    )
    command = python.parent / "ceilings"
    run(
        command, "diagnose", "--out", "run", "--degrees", "1", "--readout", "free", "--injection", "marked",
        "--frames", "150", "--atoms", "0,17", "--no-controls", cwd=tmp_path,
    )  # fmt: skip
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<svg" in page
    result = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    assert result["versions"]["spectral-ceilings"] == PROJECT["project"]["version"]
