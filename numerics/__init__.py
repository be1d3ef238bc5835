"""The statements of the theory in floating point and mod p: harmonics, rotations, spectra and ranks."""

from .activations import (
    activation_values,
    approximation_error,
    degree_for_error,
    grid_error_bound,
    grid_for_error,
)
from .calibration import CalibrationRow, calibrate_pair
from .complex_basis import complex_basis
from .directions import (
    LEBEDEV_DEGREES,
    RationalDirections,
    SphereQuadrature,
    fibonacci_directions,
    gauss_product_directions,
    haar_directions,
    lebedev_directions,
    rational_directions,
)
from .finite_field import PRIMES, matmul_mod_p, rank_mod_p
from .grid_activations import (
    GridActivation,
    grid_activation,
    grid_directions,
    largest_value,
    rotation_miss,
)
from .harmonics import harmonics_error_bound, real_harmonics
from .modular import ExactRank, exact_span_rank, modular_harmonics
from .projection import SpanProfile, cyclic_projections, span_profile
from .rank import SpanRank, monomial_count, monomial_matrix, product_matrix, span_rank
from .ring_spectrum import RingSpectrum
from .rotations import SO3Quadrature, haar_rotations, so3_quadrature
from .so2_convolutions import frame_matrix, so2_convolution
from .spectrum import RotationSpectrum, rotation_spectrum
from .structured import StructuredRank, structured_span_rank
from .wigner import wigner_d, wigner_d_all

__all__ = [
    "LEBEDEV_DEGREES",
    "PRIMES",
    "CalibrationRow",
    "ExactRank",
    "GridActivation",
    "RationalDirections",
    "RingSpectrum",
    "RotationSpectrum",
    "SO3Quadrature",
    "SpanProfile",
    "SpanRank",
    "SphereQuadrature",
    "StructuredRank",
    "activation_values",
    "approximation_error",
    "calibrate_pair",
    "complex_basis",
    "cyclic_projections",
    "degree_for_error",
    "exact_span_rank",
    "fibonacci_directions",
    "frame_matrix",
    "gauss_product_directions",
    "grid_activation",
    "grid_directions",
    "grid_error_bound",
    "grid_for_error",
    "haar_directions",
    "haar_rotations",
    "harmonics_error_bound",
    "largest_value",
    "lebedev_directions",
    "matmul_mod_p",
    "modular_harmonics",
    "monomial_count",
    "monomial_matrix",
    "product_matrix",
    "rank_mod_p",
    "rational_directions",
    "real_harmonics",
    "rotation_miss",
    "rotation_spectrum",
    "so2_convolution",
    "so3_quadrature",
    "span_profile",
    "span_rank",
    "structured_span_rank",
    "wigner_d",
    "wigner_d_all",
]
