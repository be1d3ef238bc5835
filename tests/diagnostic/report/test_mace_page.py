"""The example with MACE of the page "Your own model" prints what the page says, in the environment of MACE."""

import contextlib
import io
import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec("mace") is None and "SPECTRAL_CEILINGS_REQUIRE_MACE" not in os.environ:
    pytest.skip(
        "the extra 'mace' is not installed (it needs an environment of its own)", allow_module_level=True
    )

PAGE = Path(__file__).parents[3] / "docs" / "your-own-model.md"


def test_the_example_prints_what_the_page_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(
        r"<!-- slow: runs in the environment of MACE[^\n]*-->\n```python\n(.*?)```\n.*?```text\n(.*?)```",
        text,
        re.DOTALL,
    )
    assert found is not None
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        exec(compile(found[1], str(PAGE), "exec"), {"__name__": "page"})
    assert stream.getvalue().splitlines()[-5:] == found[2].splitlines()
