"""``ceilings train --scalar-pathway``: wrong names and combinations are refused in one sentence."""

import sys

import pytest

from spectral_ceilings.cli.app import main


def status(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[object, str]:
    monkeypatch.setattr(sys, "argv", ["ceilings", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code, capsys.readouterr().err


@pytest.mark.parametrize(("options", "said"), [
    (["--scalar-pathway", "pgs-edges"], "did you mean pgs-edge?"),
    (["--scalar-pathway-control"], "--scalar-pathway-control needs --scalar-pathway"),
    (["--scalar-pathway", "pan", "--architecture", "unconstrained"], "not for a model without symmetry"),
])  # fmt: skip
def test_wrong_names_are_refused(
    options: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    out = tmp_path_factory.mktemp("train") / "run"
    code, message = status(["train", "aspirin-xtb", "--out", str(out), *options], capsys, monkeypatch)
    assert code == 2
    assert said in message
    assert len(message.strip().splitlines()) == 1
    assert not out.exists()
