"""The command line, run in this process: its exit status and what it said."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from spectral_ceilings.cli.app import main


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
