"""The coupling tables of MACE: ``U_matrix_real``, full and reduced."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .coupling_table import CouplingTable, equivariance_errors, equivariance_tolerance
from .e3nn_tables import double_precision
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
    else:
        notes.extend(_other_precision())
    for top in range(1, l_max + 1):
        for degree in range(2, correlation + 1):
            for l in range(output_l + 1):
                for use_reduced in (False, True)[: 1 + reduced]:
                    irrep = f"{l}{'eo'[l % 2]}"
                    with quiet(), double_precision():  # as MACE trains in float64
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


def _other_precision() -> Iterator[str]:
    """Say so where the reduced tables do not have the precision that was asked for."""
    import torch
    from mace.tools.cg import U_matrix_real

    with quiet():  # irreps of which no other table is made: cuequivariance remembers a coupling as first made
        made = U_matrix_real("5o", "2e", 2, dtype=torch.float64, use_cueq_cg=True)
    table = CouplingTable("reduced", ("5o", "5o"), (2, 1), _shaped(made[-1], 2, 11, 2))
    error = float(equivariance_errors(table).max(initial=0.0))
    if error > equivariance_tolerance(table):
        yield (
            f"the reduced variant follows torch's default dtype, {torch.get_default_dtype()}, not dtype=torch.float64: tables "
            f"are then equivariant to {error:.1e} only; set the default to float64 first, as is done for the rows above"
        )


def _shaped(values: Any, l: int, size: int, degree: int) -> NDArray[np.float64]:
    """Return the tensor with an axis for the component of the output also where l = 0 and MACE leaves it out."""
    array = np.asarray(values.numpy(), dtype=np.float64)
    shape: NDArray[np.float64] = array.reshape(2 * l + 1, *(size,) * degree, -1)
    return shape if shape.any() else shape[..., :0]
