"""The command line, run in this process: its exit status and what it said."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from spectral_ceilings.cli.app import main
from spectral_ceilings.cli.data import register
from spectral_ceilings.theory.errors import InputError


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str

    def sentence(self) -> str:
        """Return the one sentence that wrong input gets, after checking that it is all there is."""
        assert self.returncode == 2, self.stderr
        assert self.stderr.startswith("error: ")
        assert "Traceback" not in self.stderr
        return " ".join(self.stderr.split())


@pytest.fixture
def ceilings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Run ``ceilings ARGUMENTS`` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["ceilings", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Run ``ceilings data`` with arguments: exit status, output, message; an InputError is status 2."""
    monkeypatch.setenv("COLUMNS", "200")
    application = typer.Typer()
    register(application)

    def call(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(application, ["data", *arguments])
        if isinstance(result.exception, InputError):
            return 2, result.stdout, str(result.exception)
        return result.exit_code, result.stdout, result.stderr

    return call
