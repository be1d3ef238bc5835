"""``ceilings theory tables``: packages, a developer's module, JSON, and what wrong input gets."""

import importlib
import json
from pathlib import Path

import jsonschema
import pytest
import typer
from typer.testing import CliRunner

from spectral_ceilings.cli.theory import register
from spectral_ceilings.diagnostic.records.assets import shipped_schema
from spectral_ceilings.theory import InputError

RIGHT = """
import numpy as np
from spectral_ceilings.numerics import real_harmonics, wigner_d
from spectral_ceilings.theory import real_wigner_3j


def coefficients(l1, l2, l3):
    shape = (2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1)
    values = np.zeros(shape)
    for a, b, c in np.ndindex(*shape):
        exact = real_wigner_3j(l1, a - l1, l2, b - l2, l3, c - l3)
        values[a, b, c] = exact.sign * float(exact.square) ** 0.5
    return values


def harmonics(l, points):
    return real_harmonics(l, points)[:, l * l:]


def wigner(l, rotation):
    return wigner_d(l, rotation)


def table(l1, l2, l3):
    return coefficients(l1, l2, l3)


def couplings_wrong(l1, l2, l3):
    values = coefficients(l1, l2, l3)
    if (l1, l2, l3) == (1, 1, 2):
        values[0, 1, 1] *= -1
    return values


def couplings_raise(l1, l2, l3):
    raise KeyError((l1, l2, l3))


def couplings_flat(l1, l2, l3):
    return [0.0]
"""


@pytest.fixture
def app() -> typer.Typer:
    application = typer.Typer()
    register(application)
    return application


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "my_couplings_module.py"
    path.write_text(RIGHT, encoding="utf-8")
    return path


def checked(output: str) -> dict[str, object]:
    data: dict[str, object] = json.loads(output)
    jsonschema.validate(data, shipped_schema("tables"))
    return data


def test_a_package_in_json(app: typer.Typer) -> None:
    pytest.importorskip("e3nn", reason="e3nn is not installed")
    result = CliRunner().invoke(app, ["theory", "tables", "e3nn", "--max-l", "2", "--json"])
    assert result.exit_code == 0, result.output
    (part,) = checked(result.stdout)["packages"]  # type: ignore[misc]
    assert part["versions"]["e3nn"] == importlib.metadata.version("e3nn")
    cubic = [row for row in part["tables"] if row["l_max"] == 2 and row["correlation"] == 3]
    assert [(row["output"], row["chains"], row["independent"], row["exact"]) for row in cubic] == [
        ("0e", 11, 5, 5), ("1o", 21, 5, 5), ("2e", 23, 6, 6),
    ]  # fmt: skip
    assert {row["kind"] for row in part["values"]} == {"coefficients", "harmonics", "wigner"}


@pytest.mark.parametrize(("name", "layer"), [("nequip", "InteractionBlock"), ("allegro", "Allegro_Module"),
                                             ("sevennet", "IrrepsConvolution")])  # fmt: skip
def test_layers_allow_every_path(app: typer.Typer, name: str, layer: str) -> None:
    pytest.importorskip({"sevennet": "sevenn"}.get(name, name), reason=f"{name} is not installed")
    result = CliRunner().invoke(app, ["theory", "tables", name, "--max-l", "1", "--json"])
    assert result.exit_code == 0, result.output
    (part,) = checked(result.stdout)["packages"]  # type: ignore[misc]
    assert all(layer in row["variant"] for row in part["tables"])
    assert all(row["paths"] == row["independent"] == row["exact"] for row in part["tables"])


def test_a_module_of_ones_own_is_judged(app: typer.Typer, module: Path) -> None:
    result = CliRunner().invoke(app, ["theory", "tables", f"{module}:coefficients", "--max-l", "2"])
    assert result.exit_code == 0, result.output
    assert "real harmonics, m = -l..l; 3j: sum of squares 1; 15 couplings" in result.output
    whole = CliRunner().invoke(app, ["theory", "tables", str(module), "--max-l", "2", "--json"])
    assert whole.exit_code == 0
    (part,) = checked(whole.stdout)["packages"]  # type: ignore[misc]
    assert [row["kind"] for row in part["values"]] == ["harmonics", "coefficients", "wigner"]


def test_a_wrong_table_has_exit_status_1(app: typer.Typer, module: Path) -> None:
    result = CliRunner().invoke(app, ["theory", "tables", f"{module}:couplings_wrong", "--max-l", "2"])
    assert result.exit_code == 1
    assert "(1, 1, 2): entry [0, 1, 1]" in result.output
    assert "has the wrong sign" in result.output


def test_a_name_that_tells_nothing_needs_what(app: typer.Typer, module: Path) -> None:
    source = f"{module}:table"
    result = CliRunner().invoke(app, ["theory", "tables", source])
    assert isinstance(result.exception, InputError)
    assert "--what" in str(result.exception)
    told = ["theory", "tables", source, "--what", "coefficients", "--max-l", "1"]
    assert CliRunner().invoke(app, told).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["e4nn"], "none of e3nn"),
        (["absent.py:coefficients"], "no Python file"),
        (["MODULE:absent"], "no function 'absent'"),
        (["MODULE:couplings_raise"], "raises KeyError"),
        (["MODULE:couplings_flat"], "has shape (1,): give (1, 1, 1)"),
        (["MODULE:wigner", "--what", "coefficients"], "raises TypeError"),
        (["MODULE", "--what", "wigner"], "MODULE:FUNCTION"),
        (["MODULE:wigner", "--what", "matrices"], "give one of coefficients"),
        (["e3nn", "--max-l", "9"], "--max-l is 9"),
        (["e3nn", "--max-correlation", "4"], "several GiB"),
    ],
)
def test_wrong_input_is_one_sentence(
    app: typer.Typer, module: Path, arguments: list[str], words: str
) -> None:
    named = [argument.replace("MODULE", str(module)) for argument in arguments]
    error = CliRunner().invoke(app, ["theory", "tables", *named]).exception
    assert isinstance(error, InputError)
    assert words.replace("MODULE", str(module)) in str(error)
    assert "\n" not in str(error)


def test_a_file_that_cannot_be_run_is_one_sentence(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "broken_couplings.py"
    path.write_text("def coefficients(:\n", encoding="utf-8")
    error = CliRunner().invoke(app, ["theory", "tables", f"{path}:coefficients"]).exception
    assert isinstance(error, InputError)
    assert "SyntaxError" in str(error)


def test_a_package_that_is_not_installed_is_named_with_what_installs_it(
    app: typer.Typer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spectral_ceilings.diagnostic.implementations import packages

    monkeypatch.setattr(packages, "find_spec", lambda _name: None)
    error = CliRunner().invoke(app, ["theory", "tables", "cuequivariance"]).exception
    assert isinstance(error, InputError)
    assert str(error) == (
        "cuequivariance is not installed in this environment: pip install cuequivariance, then run the command again"
    )
