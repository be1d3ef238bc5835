"""The page on fairchem's models is true: its Python prints what it says, in the environment that it names."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

from fairchem_models import WHY, absent

if absent():
    pytest.skip(WHY, allow_module_level=True)

PAGE = Path(__file__).resolve().parents[3] / "docs" / "models" / "fairchem.md"


def test_the_python_of_the_page_prints_what_it_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    (shown,) = re.findall(r"^<!-- printed -->\n```text\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        exec(compile(code, str(PAGE), "exec"), {"__name__": "page"})
    printed = stream.getvalue()
    lines = list(zip(shown.strip().splitlines(), printed.strip().splitlines(), strict=True))
    assert len(lines) == 16
    for there, now in lines:
        (words, numbers), (other_words, others) = (line.split("|") for line in (there, now))
        assert words == other_words
        for number, other in zip(map(float, numbers.split()), map(float, others.split()), strict=True):
            # one unit of the digit that is shown; below 1e-12 it is rounding, which is not the same on every machine
            assert abs(number - other) < max(1.01 * 10.0 ** np.floor(np.log10(number)), 1e-12), printed
