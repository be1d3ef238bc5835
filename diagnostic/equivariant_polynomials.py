"""All equivariant polynomials of bounded degree of a set of features: which there are, and their values.

A monomial is a multiset of at most three channels with a chain of Clebsch-Gordan couplings onto degree l. The list
is a basis: linearly independent and complete, so its length is the exact number of free coefficients
(``theory.readout_multiplicities``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement, permutations

import numpy as np
import torch
from numpy.typing import NDArray

from ..theory.errors import InputError
from .features import Block
from .irreps import o3

Channel = tuple[int, int]  # (block, channel within it)


@cache
def coupling(l1: int, l2: int, l3: int) -> NDArray[np.float64]:
    """Return the real coupling tensor ``(2 l1 + 1, 2 l2 + 1, 2 l3 + 1)``, e3nn's 3j times sqrt(2 l3 + 1)."""
    tensor = o3.wigner_3j(l1, l2, l3, dtype=torch.float64).numpy()
    return np.ascontiguousarray(tensor * np.sqrt(2 * l3 + 1.0))


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
    """Products of one kind, evaluated together: channels ``first`` x ``second`` [x ``third``], via degree ``k``."""

    blocks: tuple[int, ...]
    k: int
    channels: NDArray[np.int64]  # (monomials, order)


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
            _Term((b,), l, np.arange(c)[:, None])
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

    def _pairs(self, l: int, parity: int) -> list[_Term]:
        found = []
        for a, b in combinations_with_replacement(range(len(self.kinds)), 2):
            (la, pa, ca), (lb, pb, cb) = self.kinds[a], self.kinds[b]
            if pa * pb != parity or l not in _between(la, lb):
                continue
            if a != b:
                grid = np.stack(np.meshgrid(np.arange(ca), np.arange(cb), indexing="ij"), axis=-1).reshape(
                    -1, 2
                )
            else:
                # Equal channels couple to even l only: the odd ones are antisymmetric.
                grid = np.stack(np.triu_indices(ca, k=l % 2), axis=-1)
            found.append(_Term((a, b), l, grid.astype(np.int64)))
        return found

    def _triples(self) -> list[_Term]:
        groups: dict[tuple[tuple[int, ...], int], list[tuple[int, int, int]]] = {}
        everyone: list[Channel] = [(b, c) for b, (_, _, count) in enumerate(self.kinds) for c in range(count)]
        for triple in combinations_with_replacement(everyone, 3):
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
        return [_Term(blocks, k, np.array(rows, dtype=np.int64)) for (blocks, k), rows in groups.items()]

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
        samples = values[0].shape[0]
        out = np.empty((samples, 2 * self.l + 1, len(self)))
        at = 0
        if self.constant:
            out[:, :, 0] = 1.0
            at = 1
        pairs: dict[tuple[int, int, int], NDArray[np.float64]] = {}
        for term in self._terms:
            end = at + len(term.channels)
            columns = [values[b] for b in term.blocks]
            if len(term.blocks) == 1:
                product = columns[0]
            elif len(term.blocks) == 2:
                la, lb = self.kinds[term.blocks[0]][0], self.kinds[term.blocks[1]][0]
                product = self._couple(columns[0], columns[1], term.channels, coupling(la, lb, self.l))
            else:
                la, lb, lc = (self.kinds[b][0] for b in term.blocks)
                key = (term.blocks[0], term.blocks[1], term.k)
                width = columns[1].shape[1]
                if key not in pairs:
                    every = np.indices((columns[0].shape[1], width)).reshape(2, -1).T
                    pairs[key] = self._couple(columns[0], columns[1], every, coupling(la, lb, term.k))
                where = np.stack(
                    [term.channels[:, 0] * width + term.channels[:, 1], term.channels[:, 2]], axis=1
                )
                product = self._couple(pairs[key], columns[2], where, coupling(term.k, lc, self.l))
            out[:, :, at:end] = product.transpose(0, 2, 1)
            at = end
        return out

    @staticmethod
    def _couple(
        first: NDArray[np.float64],
        second: NDArray[np.float64],
        channels: NDArray[np.int64],
        tensor: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return (first x second) coupled by ``tensor`` for each row of ``channels``: ``(samples, rows, 2 l + 1)``."""
        used, where = np.unique(channels[:, 0], return_inverse=True)
        half = np.tensordot(first[:, used], tensor, axes=(2, 0))  # (samples, used, m2, m)
        out: NDArray[np.float64] = np.empty((first.shape[0], len(channels), tensor.shape[2]))
        for k in range(len(used)):
            rows = np.flatnonzero(where == k)
            out[:, rows] = np.matmul(second[:, channels[rows, 1]], half[:, k])
        return out


def kinds_of(blocks: Sequence[Block]) -> list[tuple[int, int, int]]:
    """Return ``(l, parity, channels)`` of each block."""
    return [(block.l, block.parity, block.channels) for block in blocks]
