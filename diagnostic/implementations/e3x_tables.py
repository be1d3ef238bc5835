"""The coupling tables of e3x: the paths of ``e3x.nn.Tensor``, without and with pseudotensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .bases import e3x_basis
from .coupling_table import CouplingTable
from .packages import quiet
from .tensor_product_tables import tables_of_paths


def tables(l_max: int, _correlation: int, output_l: int, notes: list[str]) -> Iterator[CouplingTable]:
    """Yield what a ``Tensor`` layer couples, turned into e3nn's basis."""
    for top in range(1, l_max + 1):
        for pseudotensors in (False, True):
            name = f"Tensor, {'with' if pseudotensors else 'without'} pseudotensors"
            with quiet(), double_precision():
                paths = _paths(top, 1 + pseudotensors)
            parities = "eo" if pseudotensors else ""
            irreps = "+".join(
                f"{l}{parity or 'eo'[l % 2]}" for parity in parities or ("",) for l in range(top + 1)
            )
            yield from tables_of_paths(name, (irreps, irreps), paths, output_l)
    notes.append(
        "the kernel of e3x.nn.Tensor also has weights that multiply nothing; only paths that do are counted"
    )


def _paths(top: int, parities: int) -> dict[tuple[int, int], list[NDArray[np.float64]]]:
    """Return, for every output irrep, the bilinear map of each weight that has an effect, in e3nn's basis."""
    import e3x
    import jax
    import jax.numpy as jnp

    size = (top + 1) ** 2
    inputs = parities * size
    layer = e3x.nn.Tensor(
        max_degree=top, include_pseudotensors=parities == 2, dtype=jnp.float64, param_dtype=jnp.float64
    )
    first = jnp.eye(inputs).reshape(inputs, 1, parities, size, 1)
    second = jnp.eye(inputs).reshape(1, inputs, parities, size, 1)
    shape = layer.init(jax.random.PRNGKey(0), first, second)["params"]["kernel"].shape
    evaluate = jax.jit(lambda kernel: layer.apply({"params": {"kernel": kernel}}, first, second))
    basis = np.kron(np.eye(parities), e3x_basis(top))
    paths: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    for place in product(*(range(n) for n in shape[:-1])):
        kernel = np.zeros(shape)
        kernel[(*place, 0)] = 1
        values = np.asarray(evaluate(jnp.asarray(kernel)))[..., 0].reshape(inputs, inputs, -1)
        if not values.any():
            continue
        l = place[5]
        odd = place[4] if parities == 2 else l % 2
        turned = np.einsum("ia,jb,kc,ijk->abc", basis, basis, basis, values, optimize=True)
        start = place[4] * size + l * l
        paths.setdefault((l, -1 if odd else 1), []).append(turned[..., start : start + 2 * l + 1])
    return paths


@contextmanager
def double_precision() -> Iterator[None]:
    """Let JAX compute in float64; the setting is put back."""
    import jax

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)
