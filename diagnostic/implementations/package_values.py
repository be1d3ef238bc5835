"""The coefficients, harmonics and Wigner matrices of the packages, as functions of one protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .packages import Package, quiet
from .values import Source

Array = NDArray[Any]


def sources(package: Package) -> list[Source]:
    """Return what a package computes: the reference harmonics first, then what must fit them."""
    makers: dict[str, Callable[[], Iterator[Source]]] = {
        "e3nn_values": e3nn_values,
        "cuequivariance_values": cuequivariance_values,
        "e3x_values": e3x_values,
        "sphericart_values": sphericart_values,
        "wigners_values": wigners_values,
    }
    with quiet():
        import_module(package.module)  # MACE makes its older e3nn importable
        return list(makers[package.values]())


def e3nn_values() -> Iterator[Source]:
    """Yield what the installed e3nn gives: also what MACE, NequIP, Allegro and SevenNet compute with."""
    import torch
    from e3nn import o3

    for name, dtype in (("float64", torch.float64), ("float32", torch.float32)):
        for normalisation in ("component", "integral", "norm"):

            def harmonics(l: int, points: Array, dtype: Any = dtype, law: str = normalisation) -> Any:
                return o3.spherical_harmonics(l, torch.tensor(points, dtype=dtype), True, law).numpy()

            if normalisation == "component" or name == "float64":
                yield Source("harmonics", f"o3.spherical_harmonics, {normalisation}", name, harmonics)

        def coefficients(l1: int, l2: int, l3: int, dtype: Any = dtype) -> Any:
            return o3.wigner_3j(l1, l2, l3, dtype=dtype).numpy()

        yield Source("coefficients", "o3.wigner_3j", name, coefficients)

        def wigner(l: int, rotation: Array, dtype: Any = dtype) -> Any:
            before = torch.get_default_dtype()
            torch.set_default_dtype(dtype)
            try:
                return o3.Irrep(l, 1).D_from_matrix(torch.tensor(rotation, dtype=dtype)).numpy()
            finally:
                torch.set_default_dtype(before)

        yield Source("wigner", "o3.Irrep.D_from_matrix", name, wigner)


def cuequivariance_values() -> Iterator[Source]:
    """Yield what cuequivariance gives; its arrays are NumPy's, in float64."""
    import cuequivariance as cue
    from scipy.spatial.transform import Rotation

    def harmonics(l: int, points: Array) -> Array:
        polynomial = cue.descriptors.spherical_harmonics(cue.SO3(1), [l])
        return np.asarray([polynomial(point)[0] for point in points])

    yield Source("harmonics", "descriptors.spherical_harmonics", "float64", harmonics)

    def coefficients(l1: int, l2: int, l3: int) -> Array:
        return np.asarray(cue.clebsch_gordan(cue.SO3(l1), cue.SO3(l2), cue.SO3(l3))[0])

    yield Source("coefficients", "clebsch_gordan", "float64", coefficients)

    def wigner(l: int, rotation: Array) -> Array:
        vector = Rotation.from_matrix(rotation).as_rotvec()
        return np.asarray(cue.SO3(l).rotation(vector, float(np.linalg.norm(vector))))

    yield Source("wigner", "SO3.rotation", "float64", wigner)


def e3x_values() -> Iterator[Source]:
    """Yield what e3x gives, in its default Cartesian order and in the order of m, in float64 and in float32."""
    for order, numbers in ((True, "float64"), (False, "float64"), (True, "float32")):
        label = "" if order else ", cartesian_order=False"
        made = _E3x(order, numbers == "float64")
        yield Source("harmonics", f"so3.spherical_harmonics{label}", numbers, made.harmonics)
        yield Source("coefficients", f"so3.clebsch_gordan{label}", numbers, made.coefficients)
        yield Source("wigner", f"so3.wigner_d{label}", numbers, made.wigner)


class _E3x:
    """e3x's functions with a fixed order of the components and width of the numbers, compiled once per degree."""

    def __init__(self, cartesian_order: bool, double: bool) -> None:
        self._order, self._double = cartesian_order, double
        self._compiled = cache(self._compile)

    def _compile(self, kind: str, l: int) -> Callable[[Array], Any]:
        import e3x
        import jax

        function = {"harmonics": e3x.so3.spherical_harmonics, "wigner": e3x.so3.wigner_d}[kind]
        compiled: Callable[[Array], Any] = jax.jit(lambda x: function(x, l, cartesian_order=self._order))
        return compiled

    def _run(self, function: Callable[[], Any]) -> Array:
        import jax

        before = jax.config.jax_enable_x64
        jax.config.update("jax_enable_x64", self._double)
        try:
            return np.asarray(function())
        finally:
            jax.config.update("jax_enable_x64", before)

    def harmonics(self, l: int, points: Array) -> Array:
        return self._run(lambda: self._compiled("harmonics", l)(points))[:, l * l :]

    def wigner(self, l: int, rotation: Array) -> Array:
        return self._run(lambda: self._compiled("wigner", l)(rotation))[l * l :, l * l :]

    def coefficients(self, l1: int, l2: int, l3: int) -> Array:
        import e3x

        parts = tuple(slice(l * l, (l + 1) ** 2) for l in (l1, l2, l3))
        return self._run(lambda: e3x.so3.clebsch_gordan(l1, l2, l3, cartesian_order=self._order))[parts]


def sphericart_values() -> Iterator[Source]:
    """Yield sphericart's harmonics, spherical and solid."""
    import sphericart

    for kind in (sphericart.SphericalHarmonics, sphericart.SolidHarmonics):
        for dtype in (np.float64, np.float32):

            def harmonics(l: int, points: Array, kind: Any = kind, dtype: Any = dtype) -> Array:
                return np.asarray(kind(l).compute(np.ascontiguousarray(points, dtype=dtype)))[:, l * l :]

            yield Source("harmonics", kind.__name__, np.dtype(dtype).name, harmonics)


def wigners_values() -> Iterator[Source]:
    """Yield the Clebsch-Gordan coefficients of the package wigners."""
    import wigners

    yield Source("coefficients", "clebsch_gordan_array", "float64", wigners.clebsch_gordan_array)

    def symbols(l1: int, l2: int, l3: int) -> Array:
        values = np.zeros((2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1))
        for a, b, c in np.ndindex(*values.shape):
            values[a, b, c] = wigners.wigner_3j(l1, l2, l3, a - l1, b - l2, c - l3)
        return values

    yield Source("coefficients", "wigner_3j", "float64", symbols)
