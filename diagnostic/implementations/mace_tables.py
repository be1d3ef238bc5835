"""The coupling tables of MACE: ``U_matrix_real``, full and reduced."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .coupling_table import CouplingTable
from .packages import natural, natural_irrep, quiet


def tables(l_max: int, correlation: int, output_l: int, notes: list[str]) -> Iterator[CouplingTable]:
    """Yield the tables that a MACE model's symmetric contraction would make, full and reduced."""
    import torch

    with quiet():
        from mace.tools.cg import U_matrix_real

    reduced = find_spec("cuequivariance") is not None
    if not reduced:
        notes.append(
            "the reduced variant (use_reduced_cg) is made by cuequivariance, which is not installed here: "
            "pip install cuequivariance cuequivariance-torch"
        )
    for top in range(1, l_max + 1):
        for degree in range(2, correlation + 1):
            for l in range(output_l + 1):
                for use_reduced in (False, True)[: 1 + reduced]:
                    irrep = f"{l}{'eo'[l % 2]}"
                    with quiet():
                        made = U_matrix_real(
                            natural(top), irrep, degree, dtype=torch.float64, use_cueq_cg=use_reduced
                        )
                    yield CouplingTable(
                        "U_matrix_real, reduced" if use_reduced else "U_matrix_real",
                        (natural(top),) * degree,
                        natural_irrep(l),
                        _shaped(made[-1], l, (top + 1) ** 2, degree),
                        # from the fourth degree on MACE leaves out inner irreps of unnatural parity
                        claims="basis" if use_reduced else "chains" if degree < 4 else None,
                    )


def _shaped(values: Any, l: int, size: int, degree: int) -> NDArray[np.float64]:
    """Return the tensor with an axis for the component of the output also where l = 0 and MACE leaves it out."""
    array = np.asarray(values.numpy(), dtype=np.float64)
    shape: NDArray[np.float64] = array.reshape(2 * l + 1, *(size,) * degree, -1)
    return shape if shape.any() else shape[..., :0]
