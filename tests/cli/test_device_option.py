"""A device that cannot be used is refused by every command before it reads anything, in one sentence, with status 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

COMMANDS = ("diagnose", "audit", "learning-curve", "train", "advise")


@pytest.mark.parametrize("device", ["cuda:97", "nonsense", ""])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_device_that_is_not_there_is_refused_at_once(
    command: str, device: str, tmp_path: Path, ceilings: Callable[..., Any]
) -> None:
    given = {"train": ["no-such-data"], "advise": ["--data", "no-such-data"]}
    arguments = given.get(command, ["no-such-model", "--data", "no-such-data"])
    done = ceilings(command, *arguments, "--device", device, "--out", "run")
    said = done.sentence()
    assert said.startswith(f"error: device '{device}' cannot be used here with float64")
    assert "give one of auto, cpu" in said
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_without_a_card_auto_is_no_obstacle(ceilings: Callable[..., Any]) -> None:
    assert (
        "no-such-model"
        in ceilings("diagnose", "no-such-model", "--device", "auto", "--out", "run").sentence()
    )
