"""The environments of ``make test`` and ``make test-models``: pins that agree, and extras that cannot share one."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pins(name: str) -> dict[str, str]:
    """Return version by canonical name of package."""
    found = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        package, version = line.split("==")
        found[re.sub(r"[-_.]+", "-", package).lower()] = version
    return found


def test_both_environments_pin_the_same_versions_but_for_e3nn() -> None:
    ours, mace = pins("constraints.txt"), pins("constraints-mace.txt")
    differing = {name for name in ours.keys() & mace.keys() if ours[name] != mace[name]}
    assert differing == {"e3nn"}  # mace-torch asks for 0.4.4 exactly, nequip 0.19 for 0.6
    assert mace["e3nn"] == "0.4.4"
    assert "nequip" not in mace
    assert "mace-torch" not in ours


def test_the_environment_of_fairchem_differs_in_lmdb_alone() -> None:
    ours, fairchem = pins("constraints.txt"), pins("constraints-fairchem.txt")
    differing = {name for name in ours.keys() & fairchem.keys() if ours[name] != fairchem[name]}
    assert differing == {"lmdb"}  # fairchem-core 2.24 asks for <= 1.7.3, sevenn brings a later one
    assert not {"nequip", "mace-torch", "sevenn"} & fairchem.keys()


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-mace.txt", "constraints-fairchem.txt"])
def test_a_pin_is_one_exact_version(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line) for line in lines)
    assert len(pins(name)) == len(lines)


@pytest.mark.parametrize(
    ("name", "extras"),
    [
        ("constraints.txt", ["nequip", "allegro", "generate", "dev", "docs"]),
        ("constraints-mace.txt", ["mace"]),
        ("constraints-fairchem.txt", ["fairchem"]),
    ],
)
def test_every_dependency_of_an_environment_is_pinned(name: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + [
        one for extra in extras for one in project["optional-dependencies"][extra]
    ]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[<>=\[; ]", one)[0]).lower() for one in wanted}
    assert names <= set(pins(name))
