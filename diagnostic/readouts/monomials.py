"""All monomials of bounded degree in many variables, and their Gram matrix from its distinct moments.

A constant variable x_0 = 1 makes every monomial of degree <= d one of exact degree d: a sorted tuple
i_1 <= ... <= i_d of variables. The product of two monomials is a sorted tuple of 2 d variables, and many pairs share
it: the Gram matrix of the C(n + d, d) monomials has only C(n + 2d, 2d) distinct entries. Each is computed once, from
the pair (first d, last d) of its tuple.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations_with_replacement
from math import comb

import numpy as np
import torch
from numpy.typing import NDArray

#: Fewest rows of a matrix product: thinner ones are slower than the entries they save.
_THIN = 64


class Monomials:
    """The monomials of degree <= ``degree`` in ``variables`` variables; the first one is the constant.

    Examples
    --------
    >>> Monomials.of(18, 3).count
    1330
    """

    def __init__(self, variables: int, degree: int) -> None:
        self.variables, self.degree = variables, degree
        self.count = comb(variables + degree, degree)
        tuples = np.array(list(combinations_with_replacement(range(variables + 1), degree)), dtype=np.int16)
        self._first_at = np.searchsorted(tuples[:, 0], np.arange(variables + 2))
        self._codes = self._encode(tuples)
        self._tuples = tuples
        last = tuples[:, -1]
        self._groups: list[
            tuple[torch.Tensor, int]
        ] = []  # monomials with the given last variables, first partner
        start = 0
        while start <= variables:
            end = start + 1
            while end <= variables and np.count_nonzero((last >= start) & (last < end)) < _THIN:
                end += 1
            members = np.flatnonzero((last >= start) & (last < end))
            self._groups.append((torch.from_numpy(members), int(self._first_at[start])))
            start = end
        self._where = self._locate()
        self._on: dict[torch.device, tuple[list[torch.Tensor], torch.Tensor]] = {}

    @classmethod
    def of(cls, variables: int, degree: int) -> Monomials:
        """Return the one instance for these numbers."""
        return _instance(variables, degree)

    def _encode(self, tuples: NDArray[np.int16]) -> NDArray[np.int64]:
        code = np.zeros(len(tuples), dtype=np.int64)
        for column in tuples.T:
            code = code * (self.variables + 1) + column
        return code

    def _locate(self) -> torch.Tensor:
        """Return where the entry of each pair stands among the moments, ``(count, count)``."""
        place = np.empty(self.count, dtype=np.int64)  # of a tuple's first half: start of its row of moments
        first = np.empty(self.count, dtype=np.int64)
        offset = 0
        for members, partner in self._groups:
            width = self.count - partner
            place[members.numpy()] = offset + width * np.arange(len(members))
            first[members.numpy()] = partner
            offset += width * len(members)
        where = np.empty((self.count, self.count), dtype=np.int64)
        for k, monomial in enumerate(self._tuples):
            both = np.sort(
                np.concatenate([np.tile(monomial, (k + 1, 1)), self._tuples[: k + 1]], axis=1), axis=1
            )
            low = np.searchsorted(self._codes, self._encode(both[:, : self.degree]))
            high = np.searchsorted(self._codes, self._encode(both[:, self.degree :]))
            where[k, : k + 1] = where[: k + 1, k] = place[low] + high - first[low]
        return torch.from_numpy(where)

    def evaluate(self, features: torch.Tensor) -> torch.Tensor:
        """Return the values of all monomials, ``(count, samples)``, of features ``(variables, samples)``."""
        x = torch.cat([features.new_ones((1, features.shape[1])), features])
        values = x
        for order in range(2, self.degree + 1):
            # Sorted tuples that start at i or later are the last C(n - i + order, order) of them.
            values = torch.cat(
                [
                    x[i] * values[len(values) - comb(self.variables - i + order - 1, order - 1) :]
                    for i in range(self.variables + 1)
                ]
            )
        return values

    def moments(self, values: torch.Tensor) -> list[torch.Tensor]:
        """Return the sums over samples that ``gram`` is made of; those of several batches add up."""
        members, _ = self._tables(values.device)
        return [
            values[rows] @ values[partner:].T
            for rows, (_, partner) in zip(members, self._groups, strict=True)
        ]

    def gram(self, moments: list[torch.Tensor]) -> torch.Tensor:
        """Return the Gram matrix ``(count, count)`` of the monomials."""
        flat = torch.cat([moment.reshape(-1) for moment in moments])
        return flat[self._tables(flat.device)[1]]

    def _tables(self, device: torch.device) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Return the groups' members and the places of all pairs on a device, where they stay once they were there."""
        if device not in self._on:
            self._on[device] = [members.to(device) for members, _ in self._groups], self._where.to(device)
        return self._on[device]


@cache
def _instance(variables: int, degree: int) -> Monomials:
    return Monomials(variables, degree)
