"""The coupling tables of e3nn: ``ReducedTensorProducts`` of a symmetric power."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from .coupling_table import CouplingTable
from .packages import natural, natural_irrep, quiet

#: Letters of the indices in a formula of e3nn.
_LETTERS = "ijklmn"


def tables(l_max: int, correlation: int, output_l: int, notes: list[str]) -> Iterator[CouplingTable]:
    """Yield the change of basis of every symmetric power."""
    from e3nn.o3 import ReducedTensorProducts

    for top in range(1, l_max + 1):
        for degree in range(2, correlation + 1):
            wanted = [natural_irrep(l) for l in range(min(output_l, degree * top) + 1)]
            with quiet(), double_precision():
                made = ReducedTensorProducts(
                    _symmetric(degree), filter_ir_out=wanted, **{_LETTERS[0]: natural(top)}
                )
            values = made.change_of_basis.numpy().astype(np.float64)
            for l in range(output_l + 1):
                kept = [values[:0].reshape(0, 2 * l + 1, *values.shape[1:])]
                for (copies, irrep), part in zip(made.irreps_out, made.irreps_out.slices(), strict=True):
                    if (irrep.l, irrep.p) == natural_irrep(l):
                        kept.append(values[part].reshape(copies, irrep.dim, *values.shape[1:]))
                yield CouplingTable(
                    "ReducedTensorProducts",
                    (natural(top),) * degree,
                    natural_irrep(l),
                    np.moveaxis(np.concatenate(kept), 0, -1),
                    claims="basis",
                )


def _symmetric(degree: int) -> str:
    """Return e3nn's formula of the symmetric tensors: the index in order, then with each neighbouring pair swapped."""
    letters = _LETTERS[:degree]
    swapped = [
        letters[:place] + letters[place + 1] + letters[place] + letters[place + 2 :]
        for place in range(degree - 1)
    ]
    return "=".join([letters, *swapped])


@contextmanager
def double_precision() -> Iterator[None]:
    """Let torch make tables in float64; the default is put back."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
