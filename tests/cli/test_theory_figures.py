"""``ceilings theory --figures``: the figures of the theory as files."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from spectral_ceilings.cli.theory import register
from spectral_ceilings.diagnostic.calibration.theory_figures import write_figures
from spectral_ceilings.theory import InputError


def test_both_are_written_as_png_and_svg(tmp_path: Path) -> None:
    app = typer.Typer()
    register(app)
    out = tmp_path / "figures"
    result = CliRunner().invoke(app, ["theory", "--max-degree", "1", "--max-l", "1", "--figures", str(out)])
    assert result.exit_code == 0
    assert {path.name for path in out.iterdir()} == {
        "multiplicity_triangle.png",
        "multiplicity_triangle.svg",
        "reach_map.png",
        "reach_map.svg",
    }
    assert (out / "reach_map.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (out / "reach_map.svg").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--figures"):
        write_figures(tmp_path / "file")
