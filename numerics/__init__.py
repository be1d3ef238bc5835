"""The statements of the theory in floating point: harmonics, rotations, spectra and ranks."""

from .directions import haar_directions
from .harmonics import harmonics_error_bound, real_harmonics
from .rank import SpanRank, monomial_count, monomial_matrix, product_matrix, span_rank
from .rotations import SO3Quadrature, haar_rotations, so3_quadrature
from .spectrum import RotationSpectrum, rotation_spectrum
from .wigner import wigner_d, wigner_d_all

__all__ = [
    "RotationSpectrum",
    "SO3Quadrature",
    "SpanRank",
    "haar_directions",
    "haar_rotations",
    "harmonics_error_bound",
    "monomial_count",
    "monomial_matrix",
    "product_matrix",
    "real_harmonics",
    "rotation_spectrum",
    "so3_quadrature",
    "span_rank",
    "wigner_d",
    "wigner_d_all",
]
