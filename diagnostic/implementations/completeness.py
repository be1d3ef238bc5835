"""Is a coupling table complete, and how redundant is it: its paths against exact multiplicities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory import polynomial_multiplicities, product_multiplicities
from .coupling_table import (
    CouplingTable,
    degrees,
    equivariance_errors,
    equivariance_tolerance,
    single_tolerance,
)
from .exact_rank import table_rank


@dataclass(frozen=True)
class Completeness:
    r"""What a coupling table holds, against what there is.

    Attributes
    ----------
    variant, factors, output, symmetric
        Of the table; `output` as e3nn writes it ("2e").
    paths
        Paths of the implementation, each with a weight.
    chains
        Coupling chains that there are: the multiplicity in :math:`V_1 \otimes \dots \otimes V_\nu`.
    independent
        Rank of the paths as polynomials (as multilinear maps where the factors are told apart).
    exact
        Exact number of independent equivariant polynomials: the multiplicity in :math:`\mathrm{Sym}^\nu V`, or
        `chains` where the factors are told apart.
    arithmetic
        "rational" or "floating point": where `independent` comes from.
    denominator, rational_error, gap
        See `TableRank`.
    equivariance_error, tolerance
        Worst violation of equivariance over the paths, and the rounding errors allowed.
    precision
        "double", or "single" where the violation is that of coefficients in single precision.
    findings
        One sentence per thing that is wrong; empty if nothing is.
    """

    variant: str
    factors: tuple[str, ...]
    output: str
    symmetric: bool
    paths: int
    chains: int
    independent: int
    exact: int
    arithmetic: str
    denominator: int
    rational_error: float
    gap: float
    equivariance_error: float
    tolerance: float
    precision: str
    findings: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether the paths span every equivariant polynomial that there is."""
        return self.independent == self.exact

    @property
    def right(self) -> bool:
        """Whether nothing is wrong: complete, equivariant, no path zero."""
        return not self.findings

    @property
    def redundancy(self) -> float | None:
        """Paths per independent one; None where there is nothing to couple to."""
        return self.paths / self.independent if self.independent else None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as the JSON of ``ceilings theory tables`` holds them."""
        return {
            "variant": self.variant,
            "factors": list(self.factors),
            "correlation": len(self.factors),
            "output": self.output,
            "symmetric": self.symmetric,
            "paths": self.paths,
            "chains": self.chains,
            "independent": self.independent,
            "exact": self.exact,
            "complete": self.complete,
            "redundancy": self.redundancy,
            "arithmetic": self.arithmetic,
            "denominator": self.denominator,
            "rational_error": self.rational_error,
            "gap": self.gap if np.isfinite(self.gap) else None,
            "equivariance_error": self.equivariance_error,
            "tolerance": self.tolerance,
            "precision": self.precision,
            "findings": list(self.findings),
        }


def judge_table(table: CouplingTable) -> Completeness:
    """Hold one coupling table against the exact multiplicities.

    Parameters
    ----------
    table
        The table, in e3nn's basis.

    Returns
    -------
    Completeness
        With `findings` for a path that is not equivariant or zero, and for paths that do not span.

    Notes
    -----
    The rank of equivariant paths cannot exceed the multiplicity (Schur's lemma), and every singular value above the
    rounding errors counts: rank = multiplicity is a proof of completeness, whatever the arithmetic.
    """
    l, parity = table.output
    output = f"{l}{'e' if parity == 1 else 'o'}"
    chains = product_multiplicities(*table.irreps).get(table.output, 0)
    exact = chains
    if table.symmetric:
        degree = len(table.factors)
        exact = polynomial_multiplicities(table.irreps[0], degree)[degree].get(table.output, 0)
    errors = equivariance_errors(table)
    double = errors.max(initial=0.0) <= equivariance_tolerance(table)
    tolerance = equivariance_tolerance(table) if double else single_tolerance(table)
    rank = table_rank(table, tolerance)
    return Completeness(
        variant=table.variant,
        factors=table.factors,
        output=output,
        symmetric=table.symmetric,
        paths=table.paths,
        chains=chains,
        independent=rank.rank,
        exact=exact,
        arithmetic="rational" if rank.exact else "floating point",
        denominator=rank.denominator,
        rational_error=rank.error,
        gap=rank.gap,
        equivariance_error=float(errors.max(initial=0.0)),
        tolerance=tolerance,
        precision="double" if double else "single",
        findings=tuple(_findings(table, errors, tolerance, rank.rank, chains, exact)),
    )


def _findings(
    table: CouplingTable,
    errors: NDArray[np.float64],
    tolerance: float,
    rank: int,
    chains: int,
    exact: int,
) -> list[str]:
    findings = []
    largest = np.abs(table.values).reshape(-1, table.paths).max(axis=0, initial=0.0)
    for path in range(table.paths):
        if not largest[path]:
            findings.append(f"path {path} is zero")
        elif errors[path] > tolerance:
            findings.append(
                f"path {path} ({_block(table, path)}) is not equivariant: off by {errors[path]:.1e} of its largest "
                f"entry, where rounding explains {tolerance:.0e}"
            )
    wanted = {"chains": chains, "basis": exact}.get(table.claims or "", table.paths)
    if table.paths != wanted:
        difference = f"{abs(wanted - table.paths)} {'missing' if table.paths < wanted else 'too many'}"
        findings.append(f"{table.paths} paths where there are {wanted}: {difference}")
    if rank != exact:
        findings.append(f"{rank} independent paths where there are exactly {exact} independent couplings")
    return findings


def _block(table: CouplingTable, path: int) -> str:
    """Name the degrees between which a path has its largest entry."""
    place = np.unravel_index(int(np.abs(table.values[..., path]).argmax()), table.values.shape[:-1])
    inputs = [degrees(terms)[index][0] for terms, index in zip(table.irreps, place[1:], strict=True)]
    return f"l = {' x '.join(map(str, inputs))} -> {table.output[0]}"
