"""The page of learning curves says what limits each atom and what to do about it."""

import csv
import re
from pathlib import Path

from made_up_curves import made_up_curves

from spectral_ceilings.diagnostic.curves.report import (
    CSV_COLUMNS,
    render_learning_curves,
    write_learning_curves,
)


def test_the_first_screen_says_what_limits_each_atom_and_what_to_do() -> None:
    page = render_learning_curves(made_up_curves(), "ceilings learning-curve --out a<b")
    head = page[: page.index("<main>")]
    banner = re.search(r'<div class="verdict unjudged.*?</div>', head, re.DOTALL)
    assert banner is not None
    assert (
        "C0 is limited by features, C4 is limited by coefficients and O7 has nothing left to improve"
        in banner[0]
    )
    assert "C0 (worst): its own features recover 0.710" in head
    assert "the last doubling of the frames changed R² by +0.004" in head
    for words in (
        "C0: give the readout more features",
        "C4: give the free readout more coefficients",
        "O7: nothing to do",
    ):
        assert words in head  # fmt: skip
    assert "N9" not in head  # not drawn: in the table alone
    assert "N9" in page
    assert "ceilings learning-curve --out a&lt;b" in page
    assert "<with>" not in page


def test_the_long_table_is_folded_and_every_number_is_in_the_csv(tmp_path: Path) -> None:
    result = made_up_curves()
    written = write_learning_curves(result, tmp_path)
    assert written[-1] == tmp_path / "report.html"
    assert f"Show every point ({len(result['points'])} rows)</summary>" in written[-1].read_text(
        encoding="utf-8"
    )
    with (tmp_path / "curves.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [float(row["r2"]) for row in rows] == [point["r2"] for point in result["points"]]
