"""Arguments of every public function: integers of any library count, and what is wrong gets one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spectral_ceilings import numerics
from spectral_ceilings.theory import InputError


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


_POINTS = np.eye(3)
_RATIONAL = numerics.rational_directions(12, np.random.default_rng(0))

#: A call for each function with an integer argument, and a value for which it is quick.
_CALLS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "real_harmonics": (lambda n: numerics.real_harmonics(n, _POINTS), 3),
    "harmonics_error_bound": (lambda n: numerics.harmonics_error_bound(n), 3),
    "wigner_d": (lambda n: numerics.wigner_d(n, _POINTS), 3),
    "wigner_d_all": (lambda n: numerics.wigner_d_all(n, _POINTS), 3),
    "haar_rotations": (lambda n: numerics.haar_rotations(n, _rng()), 3),
    "so3_quadrature": (lambda n: numerics.so3_quadrature(n), 3),
    "lebedev_directions": (lambda n: numerics.lebedev_directions(n), 3),
    "gauss_product_directions": (lambda n: numerics.gauss_product_directions(n), 3),
    "haar_directions": (lambda n: numerics.haar_directions(n, _rng()), 3),
    "fibonacci_directions": (lambda n: numerics.fibonacci_directions(n), 3),
    "rational_directions": (lambda n: numerics.rational_directions(n, _rng()), 3),
    "rational_directions, height": (lambda n: numerics.rational_directions(2, _rng(), n), 9),
    "monomial_count, degree": (lambda n: numerics.monomial_count(n, 2), 2),
    "monomial_count, l_max": (lambda n: numerics.monomial_count(2, n), 2),
    "monomial_matrix": (lambda n: numerics.monomial_matrix(_POINTS, n, n), 2),
    "product_matrix": (lambda n: numerics.product_matrix(_POINTS, n, n, n, _rng()), 2),
    "span_rank": (lambda n: numerics.span_rank(n, n, _rng()), 1),
    "exact_span_rank": (lambda n: numerics.exact_span_rank(n, n, _rng()), 1),
    "exact_span_rank, threads": (lambda n: numerics.exact_span_rank(1, 1, _rng(), threads=n), 1),
    "structured_span_rank": (lambda n: numerics.structured_span_rank(n, n, _rng(), cyclic_orders=(n,)), 1),
    "span_profile": (lambda n: numerics.span_profile(n, n, _rng(), n), 1),
    "cyclic_projections": (lambda n: numerics.cyclic_projections(n, n, _rng(), (n,)), 1),
    "modular_harmonics": (lambda n: numerics.modular_harmonics(n, _RATIONAL), 2),
    "rank_mod_p": (lambda n: numerics.rank_mod_p(np.eye(3, dtype=int), n), 7),
    "matmul_mod_p": (lambda n: numerics.matmul_mod_p(np.eye(3, dtype=int), np.eye(3, dtype=int), n), 7),
    "calibrate_pair": (lambda n: numerics.calibrate_pair(n, n, n), 1),
}


def _plain(result: Any) -> Any:
    """Everything that a result holds, in a form that can be compared."""
    if isinstance(result, np.ndarray):
        return result.tolist()
    if hasattr(result, "__dataclass_fields__"):
        return {name: _plain(getattr(result, name)) for name in result.__dataclass_fields__}
    return [_plain(x) for x in result] if isinstance(result, tuple | list) else result


@pytest.mark.parametrize("name", _CALLS)
def test_integers_of_numpy_are_integers(name: str) -> None:
    call, value = _CALLS[name]
    expected = _plain(call(value))
    for kind in (np.int64, np.int32, np.uint8):
        assert _plain(call(kind(value))) == expected


@pytest.mark.parametrize("name", _CALLS)
@pytest.mark.parametrize("wrong", [1.0, 1.5, float("nan"), 1 + 0j, "1", None, True, np.float64(1)], ids=repr)
def test_what_is_no_integer_is_refused_in_one_sentence(name: str, wrong: Any) -> None:
    with pytest.raises(InputError) as caught:
        _CALLS[name][0](wrong)
    assert "no integer" in str(caught.value) or "not an integer" in str(caught.value)
    assert "give" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", _CALLS)
def test_numbers_too_small_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"give|at least 1"):
        _CALLS[name][0](-1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: numerics.real_harmonics(2, [[1j, 0, 0]]), "directions are complex"),
        (lambda: numerics.real_harmonics(2, [["1", "0", "0"]]), "directions are text"),
        (lambda: numerics.real_harmonics(2, [[np.nan, 0, 0]]), r"direction 0 is \[nan"),
        (lambda: numerics.harmonics_error_bound(2, "none"), "normalization 'none'"),  # type: ignore[arg-type]
        (lambda: numerics.wigner_d(2, np.eye(3) * (1 + 0j)), "rotations are complex"),
        (lambda: numerics.wigner_d(2, np.eye(3).astype(str)), "rotations are text"),
        (lambda: numerics.haar_rotations(2, 0), "rng is 0, which is no random generator"),  # type: ignore[arg-type]
        (lambda: numerics.span_rank(1, 1, _rng(), columns="all"), "columns are 'all'"),  # type: ignore[arg-type]
        (lambda: numerics.span_rank(1, 1, _rng(), factorization="lu"), "factorization is 'lu'"),  # type: ignore[arg-type]
        (lambda: numerics.exact_span_rank(1, 1, _rng(), primes=7), "primes = 7 is no sequence"),  # type: ignore[arg-type]
        (lambda: numerics.cyclic_projections(1, 1, _rng(), "5"), "cyclic orders are '5'"),  # type: ignore[arg-type]
    ],
)
def test_wrong_arrays_and_choices_are_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
