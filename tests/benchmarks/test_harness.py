"""The benchmark harness: names, one object per line, medians of alternating runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.syspath_prepend(str(_ROOT))
    import benchmarks.__main__ as main
    import benchmarks.harness as harness

    yield main, harness
    for name in [name for name in sys.modules if name.split(".")[0] == "benchmarks"]:
        del sys.modules[name]


def test_names_are_listed(harness, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    main, _ = harness
    assert main.main(["--list"]) == 0
    assert "theory-certificates" in capsys.readouterr().out.split()


def test_one_json_object_per_measurement(harness, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    main, _ = harness
    assert main.main(["theory-multiplicities", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    data = json.loads(line)
    assert set(data) == {"name", "size", "threads", "ours_s", "peer", "peer_s", "ratio", "peak_mb"}
    assert data["ratio"] == data["peer_s"] / data["ours_s"]


def test_the_median_of_alternating_runs_counts(harness) -> None:  # type: ignore[no-untyped-def]
    _, module = harness
    order: list[str] = []
    times = {"ours": iter([1.0, 9.0, 2.0, 3.0, 4.0]), "peer": iter([6.0, 6.0, 60.0, 6.0, 1.0])}

    def side(name: str) -> float:
        order.append(name)
        return next(times[name])

    result = module.compare("x", "y", lambda: side("ours"), "peer", lambda: side("peer"))
    assert order == ["ours", "peer"] * 5
    assert (result.ours_s, result.peer_s, result.ratio) == (3.0, 6.0, 2.0)


def test_unknown_names_are_wrong_input(harness, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    main, _ = harness
    assert main.main(["nope"]) == 2
    assert "'nope' is unknown" in capsys.readouterr().err
    assert main.main([]) == 2
