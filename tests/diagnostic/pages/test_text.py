"""Numbers and sentences as a page shows them, and texts that read back as they were given."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from spectral_ceilings.diagnostic.pages.frame import markup
from spectral_ceilings.diagnostic.pages.text import (
    code,
    fraction,
    interval,
    powers_of_ten,
    prose,
    readable,
    seconds,
    setting,
    significant,
    subscripts,
)

MINUS = "\N{MINUS SIGN}"


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_escaping_reads_back(text: str) -> None:
    class Reader(HTMLParser):
        seen = ""

        def handle_data(self, data: str) -> None:
            self.seen += data

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag == "p"

    reader = Reader(convert_charrefs=True)
    reader.feed(str(markup(Markup("<p>{}</p>").format(text))))
    reader.close()
    assert reader.seen.strip() == readable(text).strip()


def test_a_name_that_is_not_utf8_does_not_break_the_page() -> None:
    assert readable("run\udcff") == "run?"
    assert "run?" in markup("run\udcff")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.9648, "0.965"),
        (-0.0003, f"{MINUS}0.0003"),
        (-0.00003, "0.0000"),
        (-0.0166, f"{MINUS}0.017"),
        (0.9997, "0.9997"),
        (0.99997, "1.000"),
        (1.0, "1.000"),
        (0.0, "0.0000"),
    ],
)
def test_fractions(value: float | None, text: str) -> None:
    assert fraction(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (None, 2, "–"),
        (0.0, 2, "0"),
        (4.1e-15, 2, "4.1 × 10⁻¹⁵"),
        (-2.5e7, 2, f"{MINUS}2.5 × 10⁷"),
        (0.01834, 3, "0.0183"),
        (12.345, 2, "12"),
        (1234.5, 2, "1234"),
        (-0.5, 2, f"{MINUS}0.50"),
    ],
)
def test_significant_digits(value: float | None, digits: int, text: str) -> None:
    assert significant(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.04, "0.0 s"), (8.44, "8.4 s"), (9.96, "10 s"), (119.4, "119 s"), (125, "2 min 5 s")],
)
def test_durations(value: float, text: str) -> None:
    assert seconds(value) == text


def test_other_words() -> None:
    assert interval(0.9, None) == ""
    assert interval(-0.02, 0.001) == f"{MINUS}0.020 to 0.0010"
    assert prose("R2 = -0.000 at l = 5, -2.7 to 1e-5, F - F_b") == (
        "R²\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.000 at ℓ\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}5, "
        f"{MINUS}2.7 to 1e-5, F - F_b"
    )
    assert prose("up to l = 4, all l >= 5, 2 x 2 = 4 & l, l’s").replace("\N{NO-BREAK SPACE}", " ") == (
        "up to ℓ = 4, all ℓ ≥ 5, 2 × 2 = 4 &amp; ℓ, l’s"
    )
    assert subscripts("C9H8O4") == "C₉H₈O₄"
    assert setting({"a": [1, 2.50], "b": {"c": True}, "d": None}) == "a 1, 2.5, b c yes, d none"
    assert setting("<b>") == "<b>"  # templates escape
    assert setting(67136) == "67,136"


def test_powers_of_ten_and_code() -> None:
    assert powers_of_ten("below 3e-30, 1.5e+12 and H2e") == "below 3\xa0×\xa010⁻³⁰, 1.5\xa0×\xa010¹² and H2e"
    assert code("<a>") == "<code>&lt;a&gt;</code>"
    assert code(None) == "none"
