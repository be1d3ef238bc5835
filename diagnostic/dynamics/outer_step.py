r"""How long the outer step of a multiple time step may be: three tenths of a period of the fastest vibration at most.

The correction acts once in an outer step H, in pulses. An oscillator :math:`m, k` whose stiffness the correction changes by
:math:`\delta k`, moved exactly between pulses, is carried over an outer step by a matrix of determinant 1 and trace

.. math:: 2 \cos \omega H - \frac{\delta k\, H}{m \omega} \sin \omega H,

beyond 2 in size just below every :math:`\omega H = n \pi` (above it for :math:`\delta k < 0`), over a width of
:math:`n \pi |\delta k| / k`: there the pulses feed the vibration without end, first where H is half the period (J. J. Biesiadecki
and R. D. Skeel, J. Comput. Phys. 109, 318 (1993)). Coupled vibrations are fed together wherever a sum of two of their angular
rates is :math:`2 \pi / H`.

Forces are not linear. Their curvature feeds three quanta at a time, first where H is a third of the period (Q. Ma, J. A.
Izaguirre and R. D. Skeel, SIAM J. Sci. Comput. 24, 1951 (2003)): a pulse :math:`-a H x^2` takes the amplitude r there along
:math:`1/r_0 - 1/r_n = n a H / 4 m \omega`. Three tenths of the period leave that resonance its width.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from ase import units
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from ...theory.errors import InputError
from ..symmetry.breaking import evaluate
from .cures import parse_cure

Array = NDArray[np.float64]
#: Largest displacement of an atom in a difference (Å), and the relative accuracy of the largest eigenvalue that is asked for.
_DISPLACEMENT, _ACCURACY = 0.01, 0.01
#: Share of the fastest period from which on an outer step is warned of: a third, less the width of the resonance there.
_LONGEST = 0.3


def fastest_period(calculator: Any, atoms: Any) -> float:
    r"""Return the period of the fastest vibration (fs): :math:`2 \pi / \omega`, :math:`\omega^2` the largest eigenvalue of
    the Hessian over masses at a structure.

    Lanczos iterations find it from differences of forces, some forty evaluations whatever the number of atoms; the structure
    need not be relaxed.

    Parameters
    ----------
    calculator
        An ASE calculator with forces (eV/Å).
    atoms
        The structure.

    Returns
    -------
    float
        Infinite where nothing vibrates.

    Raises
    ------
    InputError
        The calculator fails or gives forces that are not finite.

    Examples
    --------
    >>> from ase import Atoms
    >>> from ase.calculators.emt import EMT
    >>> from spectral_ceilings.diagnostic import fastest_period
    >>> round(fastest_period(EMT(), Atoms("N2", [(0, 0, 0), (0, 0, 1.0)])), 1)
    27.2
    """
    roots = np.sqrt(np.repeat(np.asarray(atoms.get_masses(), dtype=np.float64), 3))
    moved = atoms.copy()
    places = np.array(atoms.get_positions())

    def forces(displaced: Array) -> Array:
        moved.set_positions(places + displaced.reshape(-1, 3))
        return np.asarray(evaluate(calculator, moved)[1], dtype=np.float64).ravel()

    def product(vector: Array) -> Array:
        shift = vector.ravel() / roots
        scale = _DISPLACEMENT / max(float(np.abs(shift).max()), 1e-300)
        curved: Array = (forces(-scale * shift) - forces(scale * shift)) / (2 * scale) / roots
        if not np.isfinite(curved).all():
            raise InputError(
                "the calculator gives forces that are not finite near the structure: relax it first"
            )
        return curved

    start = np.random.default_rng(0).standard_normal(len(roots))
    hessian = LinearOperator((len(roots), len(roots)), matvec=product, dtype=np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that a calculator is made with
        try:
            largest = float(
                eigsh(hessian, k=1, which="LA", tol=_ACCURACY, v0=start, return_eigenvectors=False)[0]
            )
        except ArpackNoConvergence as error:
            largest = float(max(error.eigenvalues, default=0.0))
    return float(2 * np.pi / np.sqrt(largest) / units.fs) if largest > 0 else float("inf")


def outer_step_sentence(cure: str, time_step: float, period: float) -> str:
    """Return a sentence where the outer step of a cure is three tenths of the fastest period (fs) or more; empty: it is less.

    Parameters
    ----------
    cure
        Its name; only a multiple time step has an outer step.
    time_step, period
        fs.

    Examples
    --------
    >>> outer_step_sentence("mts-5:grid-2", 0.5, 9.0)
    ''
    >>> outer_step_sentence("mts-10:grid-2", 0.5, 9.0)[:60]
    'The outer step of mts-10:grid-2 is 5 fs, and the fastest vib'
    """
    known = parse_cure(cure)
    outer = known.stride * time_step
    if not known.multiple or outer < _LONGEST * period:
        return ""
    stride = int(_LONGEST * period / time_step)
    stride -= stride * time_step >= _LONGEST * period
    instead = (
        f"take {stride} steps of {time_step:g} fs or fewer"
        if stride > 1
        else "take the average at every step"
    )
    return (
        f"The outer step of {cure} is {outer:g} fs, and the fastest vibration has a period of {period:.3g} fs: from about "
        f"a third of it on the correction can feed vibrations and the energy drifts; {instead}."
    )
