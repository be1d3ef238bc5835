"""Templates reach a wheel, escape what they are given, and parse."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from spectral_ceilings.diagnostic.pages.rendering import environment

ROOT = Path(__file__).parents[3]
FOLDERS = sorted((ROOT / "diagnostic").glob("*/templates"))


def test_every_folder_of_templates_is_in_the_wheel() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
        "package-data"
    ]
    assert len(FOLDERS) >= 3
    for folder in FOLDERS:
        assert "templates/*.j2" in data[f"spectral_ceilings.diagnostic.{folder.parent.name}"]
        assert {path.suffix for path in folder.iterdir()} == {".j2"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_every_template_parses_with_autoescape_on(folder: Path) -> None:
    templates = environment(f"spectral_ceilings.diagnostic.{folder.parent.name}")
    assert templates.autoescape is True
    for path in folder.iterdir():
        assert templates.get_template(path.name).name == path.name
