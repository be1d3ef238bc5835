r"""The sum over neighbours of tensor products of their features with harmonics of the edges, contracted in a cheaper order.

Along every edge with features x of channel u and harmonics Y of its direction, each path (l1, l2, l) gives

.. math:: m_{ku} = w_u \sum_{ij} C_{ijk}\, x_{iu} Y_j .

e3nn's ``TensorProduct`` forms all products :math:`x_{iu} Y_j` first. The harmonics have one channel only, so that
:math:`M_{ki} = \sum_j C_{ijk} Y_j` serves all channels of all paths that leave from l1: a tenth of the arithmetic at 128 channels
and l <= 3, and no array of all products. The sums are the same, in another order.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from ...theory.errors import InputError
from ..records.devices import items_at_once

#: Edges whose messages are held at once: about 100 kB each with 128 channels and l <= 3, whatever the size of a crystal's cell.
_EDGES_AT_A_TIME = 1_000
_EDGE_BYTES = 1e5


class EdgeConvolution(torch.nn.Module):
    """What an e3nn ``TensorProduct`` gives along every edge, summed over the edges that arrive at each atom.

    Parameters
    ----------
    product
        An ``e3nn.o3.TensorProduct`` whose second operand has one channel of each irrep, with instructions ``uvu`` and weights
        from outside, one instruction for each entry of its output. Tables are made in torch's default dtype.

    Raises
    ------
    InputError
        A product of another kind.
    """

    def __init__(self, product: Any) -> None:
        super().__init__()
        if not fits(product):
            raise InputError(f"{product} is no product of features with one harmonic of each degree")
        from e3nn import o3

        first, second, out = product.irreps_in1, product.irreps_in2, product.irreps_out
        harmonics = second.slices()
        tables: list[list[torch.Tensor]] = [[] for _ in first]
        self._paths: list[
            tuple[int, int, int]
        ] = []  # entries of the input and the output, number among those of the input
        self._weights: list[int] = []
        for path in product.instructions:
            channels, ir = first[path.i_in1]
            ir_out = out[path.i_out].ir
            coupling = o3.wigner_3j(ir.l, second[path.i_in2].ir.l, ir_out.l)  # (i, j, k)
            table = torch.zeros(second.dim, ir_out.dim, ir.dim)
            table[harmonics[path.i_in2]] = path.path_weight * coupling.permute(1, 2, 0)
            self._paths.append((path.i_in1, path.i_out, len(tables[path.i_in1])))
            self._weights.append(channels)
            tables[path.i_in1].append(table)
        self._inputs = [(mul, ir.dim) for mul, ir in first]
        self._rows = [[table.shape[1] for table in parts] for parts in tables]
        for k, parts in enumerate(tables):
            empty = torch.zeros(second.dim, 0, first[k].ir.dim)
            self.register_buffer(f"_table_{k}", torch.cat([empty, *parts], dim=1).flatten(1))

    def forward(
        self, x: torch.Tensor, harmonics: torch.Tensor, weights: torch.Tensor, source: torch.Tensor, target: torch.Tensor
    ) -> torch.Tensor:  # fmt: skip
        """Return ``(atoms, output dim)`` of features ``(atoms, dim)`` and edges from ``source`` to ``target``, both ``(edges,)``.

        ``harmonics`` is ``(edges, harmonics)``, ``weights`` ``(edges, weights)``.
        """
        atoms = len(x)
        # Parts by split: the gradient of a slice is an array of the whole. Channels last: what follows runs over them.
        entries = torch.split(x, [mul * dim for mul, dim in self._inputs], dim=1)
        sent = [
            part.reshape(atoms, *shape).transpose(1, 2).contiguous()
            for part, shape in zip(entries, self._inputs, strict=True)
        ]
        total: list[torch.Tensor] = []
        size = items_at_once(x.device, _EDGE_BYTES, _EDGES_AT_A_TIME)
        for some in torch.split(torch.arange(len(harmonics), device=x.device), size):
            given = (harmonics[some], weights[some], source[some], target[some], *sent)
            if len(harmonics) > size and torch.is_grad_enabled():
                # Messages are computed again for the gradient, instead of all kept.
                part = checkpoint(self._summed, *given, use_reentrant=False)
            else:
                part = self._summed(*given)
            total = [old + new for old, new in zip(total, part, strict=True)] if total else part
        return torch.cat([each.transpose(1, 2).flatten(1) for each in total], dim=1)

    def _summed(
        self, harmonics: torch.Tensor, weights: torch.Tensor, source: torch.Tensor, target: torch.Tensor, *sent: torch.Tensor
    ) -> list[torch.Tensor]:  # fmt: skip
        """Return the sums over some edges, ``(atoms, 2l+1, channels)`` for each entry of the output."""
        messages = []
        for k, features in enumerate(sent):
            dim = features.shape[1]
            turn = (harmonics @ getattr(self, f"_table_{k}")).reshape(len(source), sum(self._rows[k]), dim)
            near = features[source]  # a product with scalars needs no sum
            messages.append(
                torch.split(turn * near if dim == 1 else torch.bmm(turn, near), self._rows[k], dim=1)
            )
        sums: dict[int, torch.Tensor] = {}
        for (entry, entry_out, number), weight in zip(
            self._paths, torch.split(weights, self._weights, dim=1), strict=True
        ):
            weighted = messages[entry][number] * weight[:, None]
            zeros = weighted.new_zeros(len(sent[0]), *weighted.shape[1:])
            sums[entry_out] = zeros.index_add(0, target, weighted)
        return [sums[entry] for entry in range(len(sums))]


def fits(product: Any) -> bool:
    """Whether :class:`EdgeConvolution` can stand in for a tensor product."""
    entries = sorted(path.i_out for path in product.instructions)
    return (
        all(path.connection_mode == "uvu" and path.has_weight for path in product.instructions)
        and all(mul == 1 for mul, _ in product.irreps_in2)
        and entries == list(range(len(product.irreps_out)))
        and not product.internal_weights
        and not product.shared_weights
    )
