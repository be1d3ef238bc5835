"""A number with its error, as people write it: the rule of the Particle Data Group, and the laws that it follows."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.records.words import with_error

SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@pytest.mark.parametrize(("value", "error", "text"), [
    # the examples of the rule: Review of Particle Physics, Introduction, section 5.3
    (0.827, 0.119, "0.83 ± 0.12"),
    (0.827, 0.367, "0.8 ± 0.4"),
    (-37.1, 51.3, "-40 ± 50"),
    (-0.2, 50.0, "0 ± 50"),
    (2371.0, 870.0, "2,400 ± 900"),
    (11480.0, 1500.0, "11,500 ± 1,500"),
    (0.0235, 0.00011, "0.02350 ± 0.00011"),
    (1.0, 0.96, "1.0 ± 1.0"),
    (3.14159e-13, 2e-14, "(3.14 ± 0.20) × 10⁻¹³"),
    (16.13, 0.0, "16.1"),
    (16.13, None, "16.1"),
    (-52317.8, math.inf, "-52,318"),
])  # fmt: skip
def test_numbers_as_people_write_them(value, error, text):
    assert with_error(value, error) == text
    assert with_error(value, error, "K") == f"{text} K"


def parsed(text: str) -> tuple[str, str, float]:
    """Return what stands left and right of the sign, and the power of ten of both."""
    match = re.fullmatch(r"\(?(-?[\d.,]+) ± ([\d.,]+)\)?(?: × 10([⁻⁰-⁹¹²³]+))?", text)
    assert match, text
    power = int((match[3] or "0").translate(SUPERSCRIPTS))
    return match[1].replace(",", ""), match[2].replace(",", ""), 10.0**power


@given(st.floats(-1e7, 1e7), st.integers(-9, 8), st.floats(1.0, 9.99))
def test_what_is_written_is_what_was_measured_to_the_digits_of_the_error(value, power, mantissa):
    error = mantissa * 10.0**power
    if abs(value) > 1e7 * error:
        return  # two numbers of their own
    text = with_error(value, error)
    assert "e" not in text
    left, right, scale = parsed(text)
    assert len(left.partition(".")[2]) == len(right.partition(".")[2])
    digits = right.replace(".", "").strip("0")
    assert 1 <= len(digits) <= 2
    # of two digits where the error begins with 3.5 at most, else of one: half of the last one's place
    place = 10.0 ** (power - (mantissa < 3.55))
    assert abs(float(left) * scale - value) <= 0.5001 * place
    assert abs(float(right) * scale - error) <= 0.5001 * place


@given(st.floats(-1e5, 1e5), st.floats(1e-2, 1e6))
def test_the_sign_goes_with_the_value(value, error):
    plus, minus = with_error(abs(value), error), with_error(-abs(value), error)
    assert minus.replace("-", "") == plus
    assert ("-" in minus) == bool(re.search(r"[1-9]", parsed(plus)[0]))
