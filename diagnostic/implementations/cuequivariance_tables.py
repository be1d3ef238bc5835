"""The coupling tables of cuequivariance's symmetric contraction: the full one of its MACE compatibility, and the reduced one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .coupling_table import Claim, CouplingTable
from .packages import natural, natural_irrep, quiet


def tables(l_max: int, correlation: int, output_l: int, notes: list[str]) -> Iterator[CouplingTable]:
    """Yield the tables of ``symmetric_contraction``: what its weights of MACE's kind are projected from and to."""
    with quiet():
        import cuequivariance as cue
        from cuequivariance.group_theory.experimental.mace import symmetric_contractions as contraction

    for top in range(1, l_max + 1):
        irreps = cue.Irreps("O3", natural(top))
        for degree in range(2, correlation + 1):
            for l in range(output_l + 1):
                irrep = cue.O3(l, (-1) ** l)
                with quiet():
                    full = contraction.U_matrix_real(irreps, irrep, degree)
                    reduced = cue.reduced_symmetric_tensor_product_basis(
                        irreps, degree, keep_ir=irrep, layout=cue.ir_mul
                    ).array
                shape = ((top + 1) ** 2,) * degree
                for variant, values in (
                    ("symmetric contraction, full", np.asarray(full)),
                    ("symmetric contraction, reduced", _components_first(np.asarray(reduced), l, shape)),
                ):
                    claims: Claim | None = (
                        "basis" if variant.endswith("reduced") else "chains" if degree < 4 else None
                    )
                    yield CouplingTable(
                        variant, (natural(top),) * degree, natural_irrep(l), values, claims=claims
                    )


def _components_first(values: NDArray[np.float64], l: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    paths = values.shape[-1] // (2 * l + 1)
    return np.moveaxis(values.reshape(*shape, 2 * l + 1, paths), -2, 0)
