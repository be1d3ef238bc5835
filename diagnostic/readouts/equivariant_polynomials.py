"""All equivariant polynomials of bounded degree of a set of features: which there are, and their values.

A monomial is a multiset of at most three channels with a chain of Clebsch-Gordan couplings onto l. The list
is a basis: linearly independent and complete, so its length is the exact number of free coefficients
(``theory.readout_multiplicities``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations_with_replacement, permutations

import numpy as np
import torch
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.features import Block
from ..backbones.irreps import o3
from .compute import tensor

Channel = tuple[int, int]  # (block, channel within it)


@cache
def coupling(l1: int, l2: int, l3: int) -> NDArray[np.float64]:
    """Return the real coupling tensor ``(2 l1 + 1, 2 l2 + 1, 2 l3 + 1)``, e3nn's 3j times sqrt(2 l3 + 1)."""
    tensor = o3.wigner_3j(l1, l2, l3, dtype=torch.float64).numpy()
    return np.ascontiguousarray(tensor * np.sqrt(2 * l3 + 1.0))


@cache
def _coupling_on(l1: int, l2: int, l3: int, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(coupling(l1, l2, l3)).to(device)


def _between(l1: int, l2: int) -> range:
    return range(abs(l1 - l2), l1 + l2 + 1)


@cache
def _cubes(l1: int, l3: int) -> tuple[int, ...]:
    """Return intermediate degrees k whose (((h h)_k h)_l3 are a basis of the cubes of one channel of degree l1."""
    kept: list[int] = []
    rows: list[NDArray[np.float64]] = []
    for k in range(0, 2 * l1 + 1, 2):  # odd k: antisymmetric, zero for two equal factors
        if l3 not in _between(k, l1):
            continue
        tensor = np.einsum("abk,kcm->abcm", coupling(l1, l1, k), coupling(k, l1, l3))
        symmetric = sum(np.transpose(tensor, (*order, 3)) for order in permutations(range(3)))
        candidate = [*rows, np.asarray(symmetric).ravel()]
        # Entries are of order one and the ranks at most a few: 1e-8 separates round-off from real directions.
        if np.linalg.matrix_rank(np.array(candidate), tol=1e-8) == len(candidate):
            rows, kept = candidate, [*kept, k]
    return tuple(kept)


@dataclass(frozen=True)
class _Term:
    """Products of one kind, evaluated together: channels ``first`` x ``second`` [x ``third``], via degree ``k``.

    All channels of one factor are coupled with all of the next at once; ``pairs`` are the pairs of the first two that
    a third one is coupled to, ``select`` the products that are kept (empty: all, in order).
    """

    blocks: tuple[int, ...]
    k: int
    channels: NDArray[np.int64]  # (monomials, order)
    pairs: torch.Tensor
    select: torch.Tensor
    _on: dict[torch.device, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, blocks: tuple[int, ...], k: int, channels: NDArray[np.int64], counts: Sequence[int]) -> _Term:
        """Return the term of the given channels; ``counts`` are the numbers of channels of its blocks."""
        none = np.zeros(0, dtype=np.int64)
        pairs = grid = none
        size = 0
        if channels.shape[1] == 2:
            grid, size = channels[:, 0] * counts[1] + channels[:, 1], counts[0] * counts[1]
        elif channels.shape[1] == 3:
            pairs, where = np.unique(channels[:, 0] * counts[1] + channels[:, 1], return_inverse=True)
            grid, size = where * counts[2] + channels[:, 2], len(pairs) * counts[2]
        select = none if np.array_equal(grid, np.arange(size)) else grid
        return cls(blocks, k, channels, torch.from_numpy(pairs), torch.from_numpy(select))

    def chosen(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ``pairs`` and ``select`` on a device, where they stay once they were there."""
        if device not in self._on:
            self._on[device] = self.pairs.to(device), self.select.to(device)
        return self._on[device]


class EquivariantPolynomials:
    """The equivariant polynomials of degree <= ``degree`` with values in (l, parity).

    Parameters
    ----------
    kinds
        ``(l, parity, channels)`` of each block of features.
    degree
        Polynomial degree: 1, 2 or 3.
    l, parity
        The irrep of the values. A constant is among them for (0, +1).
    """

    def __init__(self, kinds: Sequence[tuple[int, int, int]], degree: int, l: int, parity: int) -> None:
        if degree not in (1, 2, 3):
            raise InputError(f"readout degree is {degree}, expected 1, 2 or 3")
        self.kinds, self.degree, self.l, self.parity = tuple(kinds), degree, l, parity
        self.constant = l == 0 and parity == 1
        terms: list[_Term] = [
            self._term((b,), l, np.arange(c)[:, None])
            for b, (lb, p, c) in enumerate(kinds)
            if (lb, p) == (l, parity)
        ]
        if degree >= 2:
            terms += self._pairs(l, parity)
        if degree >= 3:
            terms += self._triples()
        self._terms = [term for term in terms if len(term.channels)]

    def __len__(self) -> int:
        return int(self.constant) + sum(len(term.channels) for term in self._terms)

    def _term(self, blocks: tuple[int, ...], k: int, channels: NDArray[np.int64]) -> _Term:
        return _Term.of(blocks, k, channels, [self.kinds[b][2] for b in blocks])

    def _pairs(self, l: int, parity: int) -> list[_Term]:
        terms = []
        for a, b in combinations_with_replacement(range(len(self.kinds)), 2):
            (la, pa, ca), (lb, pb, cb) = self.kinds[a], self.kinds[b]
            if pa * pb != parity or l not in _between(la, lb):
                continue
            # A channel couples with itself to even l only: odd ones are antisymmetric.
            first, second = np.triu_indices(ca, k=l % 2) if a == b else np.indices((ca, cb)).reshape(2, -1)
            terms.append(self._term((a, b), l, np.stack([first, second], axis=-1).astype(np.int64)))
        return terms

    def _triples(self) -> list[_Term]:
        groups: dict[tuple[tuple[int, ...], int], list[tuple[int, int, int]]] = {}
        channels: list[Channel] = [(b, c) for b, (_, _, count) in enumerate(self.kinds) for c in range(count)]
        for triple in combinations_with_replacement(channels, 3):
            x, y, z = triple
            if np.prod([self.kinds[b][1] for b, _ in triple]) != self.parity:
                continue
            if y == z and x != y:
                x, y, z = y, z, x  # the equal pair first
            lx, ly, lz = (self.kinds[b][0] for b, _ in (x, y, z))
            if x == y == z:
                inner: Sequence[int] = _cubes(lx, self.l)
            else:
                step = 2 if x == y else 1
                start = 0 if x == y else abs(lx - ly)
                inner = [k for k in range(start, lx + ly + 1, step) if self.l in _between(k, lz)]
            for k in inner:
                groups.setdefault(((x[0], y[0], z[0]), k), []).append((x[1], y[1], z[1]))
        return [self._term(blocks, k, np.array(rows, dtype=np.int64)) for (blocks, k), rows in groups.items()]

    def evaluate(self, values: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the values of all polynomials.

        Parameters
        ----------
        values
            One array ``(samples, channels, 2 l + 1)`` for each block of ``kinds``.

        Returns
        -------
        ``(samples, 2 l + 1, len(self))``.
        """
        return np.asarray(self.columns([tensor(block) for block in values]).numpy())

    def columns(self, values: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the same of tensors, on their device."""
        samples = values[0].shape[0]
        out = values[0].new_empty((samples, 2 * self.l + 1, len(self)))
        at = 0
        if self.constant:
            out[:, :, 0] = 1.0
            at = 1
        pairs: dict[tuple[int, int, int], torch.Tensor] = {}
        for term in self._terms:
            end = at + len(term.channels)
            factors = [values[b] for b in term.blocks]
            degrees = [self.kinds[b][0] for b in term.blocks]
            if len(factors) == 1:
                product = factors[0].transpose(1, 2)
            elif len(factors) == 2:
                product = _couple(factors[0], factors[1], degrees[0], degrees[1], self.l)
            else:
                key = (term.blocks[0], term.blocks[1], term.k)
                if key not in pairs:
                    pairs[key] = _couple(factors[0], factors[1], degrees[0], degrees[1], term.k)
                used = pairs[key][:, :, term.chosen(out.device)[0]].transpose(1, 2)
                product = _couple(used, factors[2], term.k, degrees[2], self.l)
            if len(term.select):
                product = product[:, :, term.chosen(out.device)[1]]
            out[:, :, at:end] = product
            at = end
        return out


def _couple(first: torch.Tensor, second: torch.Tensor, l1: int, l2: int, l3: int) -> torch.Tensor:
    """Return every channel of ``first`` with every one of ``second`` coupled to l3: ``(samples, 2 l3 + 1, c1 c2)``."""
    tensor_ = _coupling_on(l1, l2, l3, first.device)
    samples, c1 = first.shape[:2]
    half = torch.tensordot(first, tensor_, dims=([2], [0])).permute(0, 3, 1, 2)  # (samples, m, c1, m2)
    product = torch.bmm(half.reshape(samples, -1, 2 * l2 + 1), second.transpose(1, 2))
    return product.reshape(samples, 2 * l3 + 1, c1 * second.shape[1])


def kinds_of(blocks: Sequence[Block]) -> list[tuple[int, int, int]]:
    """Return ``(l, parity, channels)`` of each block."""
    return [(block.l, block.parity, block.channels) for block in blocks]
