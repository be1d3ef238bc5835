"""The irreps parser against e3nn's, and what it refuses."""

from __future__ import annotations

import contextlib

import pytest
from e3nn import o3
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.theory import InputError, format_irreps, parse_irreps

_TERM = st.builds(
    lambda copies, degree, p, space: f"{space}{copies}{degree}{p}{space}",
    st.sampled_from(["", "1x", "16x", "128x", "03x"]),
    st.integers(0, 20),
    st.sampled_from("eo"),
    st.sampled_from(["", " "]),
)


@settings(deadline=None)  # the first example imports e3nn
@given(st.lists(_TERM, min_size=1, max_size=6))
def test_valid_strings_are_read_as_e3nn_reads_them(terms: list[str]) -> None:
    text = "+".join(terms)
    expected = [(mul, ir.l, ir.p) for mul, ir in o3.Irreps(text)]
    assert [(term.copies, term.l, term.parity) for term in parse_irreps(text)] == expected
    assert parse_irreps(format_irreps(parse_irreps(text))) == parse_irreps(text)


@given(st.text(alphabet="0123456789xeo+ -.u", max_size=12))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        assert all(term.copies > 0 for term in parse_irreps(text))


@pytest.mark.parametrize(
    "text",
    ["", "16x", "1x2", "x1o", "1x1u", "16x0e++1o", "1.5x0e", "-1x0e", "0x1o", "1x999e", "1x0e,1o", "²x0e"],
)
def test_malformed_irreps_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="irreps"):
        parse_irreps(text)


def test_something_else_than_text_is_refused() -> None:
    with pytest.raises(InputError, match="is not text"):
        parse_irreps(16)  # type: ignore[arg-type]
