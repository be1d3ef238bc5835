"""Exact mathematics of spectral ceilings: integers, fractions and SymPy, no floating point.

Import from here; the modules behind it are

- `ceiling`: what a polynomial readout of bounded degree can put out;
- `span`: the finite-degree span theorem with its witnesses, for features with any set of l;
- `harmonics`: real and complex harmonics as exact polynomials;
- `symbolic`: the same theorem for all degrees at once, proved by SymPy;
- `formal_proof`, `formal_certificates`: theorems that Coq checks, in `formal/`, and the numbers it computes again;
- `certificate`, `star_certificate`, `verify`, `verify_star`: both as JSON, for one pair, and their replay by separate code;
- `grids`, `grid_certificate`, `verify_grid`: on which grid of the sphere an activation is exactly equivariant;
- `so2`, `so2_certificate`, `verify_so2`: what convolutions of SO(2) with m <= m_max lose, and what they do not;
- `activations`: how fast polynomials approximate those that are none, and what a grid then guarantees;
- `couplings`, `real_couplings`: Clebsch-Gordan and Gaunt coefficients, complex and real (e3nn), selection rules;
- `multiplicity`: formal, realised and readout multiplicities;
- `input_side`, `architectures`: what an equivariant polynomial can see of one direction, and which layers are one;
- `architecture_facts`, `cartesian`, `scalarisation`: what the layers of an architecture couple, and what they leave out;
- `orientations`: how a weak field orients a rigid body, as exact series and closed forms;
- `angular_terms`, `shares`, `cosines`: how much of an angular term one body-ordered layer can represent, as exact fractions;
- `deep_inputs`: the same for several layers on a star, with an energy that attains the bound;
- `graph_reach`, `third_side`: bounds for several layers on stars and chains, what the third side gives back;
- `rotation_groups`, `point_groups`, `symmetric_fields`: invariants of point groups for every l, and which ceilings reach them;
- `site_symmetry`: the degrees that the symmetry of an atom's site allows;
- `wiring`, `model_costs`: the ceiling of every layer of a network, and what each knob costs;
- `advise`, `costs`: the smallest (degree, l_max) for a target, and the multiplications that it takes;
- `plateaus`: which fraction of a directional field a ceiling lets through.

Conventions: l and m are those of the spherical harmonics Y_lm; "component" normalisation means
sum_m Y_lm^2 = 2l+1 at every point of the sphere; parities are +1 (even) and -1 (odd).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .activations import Activation, activation
from .advise import (
    Advice,
    SymmetryAdvice,
    advise,
    feature_irreps,
    symmetry_advice,
)
from .angular_terms import PairTerm, ProductTerm, TorsionTerm
from .architecture_facts import (
    ArchitectureAdvice,
    ArchitectureFacts,
    architecture_advice,
    architecture_ceiling,
    architecture_facts,
)
from .architectures import ARCHITECTURES, Architecture, Step, layer_steps, polynomial_layers
from .cartesian import cartesian_irreps, matrix_product_paths
from .ceiling import Ceiling, OutputCeiling, output_ceiling
from .certificate import SpanCertificate, build_certificate, build_certificates
from .costs import coupling_cost, feature_cost, harmonics_cost, polynomial_cost, tensor_product_cost
from .couplings import (
    clebsch_gordan,
    gaunt,
    highest_weight_norm,
    product_allowed,
    product_coefficient,
    product_degrees,
    stretched_coefficient,
    triangle,
    zero_coupling,
)
from .deep_inputs import DeepInputCeiling, attaining_energy, deep_input_ceiling, layer_factors
from .errors import InputError
from .formal_proof import (
    ON_PAPER,
    FormalCheck,
    FormalStatement,
    check_formal_proof,
    coq_installed,
    formal_files,
    formal_statements,
)
from .graph_reach import ReachOnGraph, reach_on_graph, torsion_share, unnatural_input_bound
from .grid_certificate import GridCertificate, GridWitness, grid_certificate
from .grids import (
    SphereGrid,
    fairchem_grid,
    fairchem_resolution,
    grid_degree,
    grid_degree_needed,
    polar_moments,
    s2_activation_resolution,
    smallest_grid,
)
from .harmonics import HarmonicPolynomial, complex_harmonic, real_harmonic
from .input_side import InputCeiling, PolynomialLayer, composed_input_bounds, input_ceiling
from .irreps import Irrep, format_irreps, parse_irreps
from .model_costs import KnobCost, ModelCost, knob_costs, model_cost
from .multiplicity import (
    boundary_multiplicity,
    formal_multiplicities,
    polynomial_multiplicities,
    product_multiplicities,
    readout_multiplicities,
    realised_multiplicities,
    relation_multiplicities,
)
from .orientations import (
    bessel_i,
    dipole_mean,
    exponential_grades,
    first_order_bound,
    first_order_mean,
    haar_mean_square_torque,
    mean_series,
    torque_series,
)
from .plateaus import DIRECTIONS, Direction, grade_weights, predicted_recovery
from .point_groups import PointGroup, invariant_table, minimal_pairs, point_group, reaches
from .real_couplings import real_gaunt, real_wigner_3j
from .roots import SignedRoot
from .rotation_groups import RotationGroup
from .scalarisation import scalarised_multiplicities
from .shares import best_share, direction_share
from .site_symmetry import allowed_degrees, group_of_operations, site_group, site_invariants
from .so2 import SO2Couplings, so2_components, so2_couplings, so2_table, so2_torsion_order
from .so2_certificate import SO2Certificate, so2_certificate, so2_certificates
from .span import CouplingStep, Span, Witness, chain_witness, span, span_of_degrees, stretched_witness
from .star_certificate import StarCertificate, star_certificate, star_certificates
from .third_side import ThirdSide, crossover_share, third_side
from .verify import verify_certificate, verify_file
from .wiring import LayerCeiling, Wiring, layer_ceilings, wiring

if TYPE_CHECKING:
    from .symbolic import (
        ProofStep,
        chain_square,
        highest_weight_square,
        prove_span_theorem,
        stretched_square,
        witness_square,
    )
    from .symmetric_fields import orbit, symmetric_field

#: What needs SymPy, which takes longer to load than an exact table to compute, and the module of each.
_WITH_SYMPY = {
    **dict.fromkeys(
        (
            "ProofStep",
            "chain_square",
            "highest_weight_square",
            "prove_span_theorem",
            "stretched_square",
            "witness_square",
        ),
        "symbolic",
    ),
    **dict.fromkeys(("orbit", "symmetric_field"), "symmetric_fields"),
}


def __getattr__(name: str) -> Any:
    if name not in _WITH_SYMPY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_WITH_SYMPY[name]}", __name__), name)
    globals()[name] = value  # the next time it is found at once
    return value


__all__ = [
    "ARCHITECTURES",
    "DIRECTIONS",
    "ON_PAPER",
    "Activation",
    "Advice",
    "Architecture",
    "ArchitectureAdvice",
    "ArchitectureFacts",
    "Ceiling",
    "CouplingStep",
    "DeepInputCeiling",
    "Direction",
    "FormalCheck",
    "FormalStatement",
    "GridCertificate",
    "GridWitness",
    "HarmonicPolynomial",
    "InputCeiling",
    "InputError",
    "Irrep",
    "KnobCost",
    "LayerCeiling",
    "ModelCost",
    "OutputCeiling",
    "PairTerm",
    "PointGroup",
    "PolynomialLayer",
    "ProductTerm",
    "ProofStep",
    "ReachOnGraph",
    "RotationGroup",
    "SO2Certificate",
    "SO2Couplings",
    "SignedRoot",
    "Span",
    "SpanCertificate",
    "SphereGrid",
    "StarCertificate",
    "Step",
    "SymmetryAdvice",
    "ThirdSide",
    "TorsionTerm",
    "Wiring",
    "Witness",
    "activation",
    "advise",
    "allowed_degrees",
    "architecture_advice",
    "architecture_ceiling",
    "architecture_facts",
    "attaining_energy",
    "bessel_i",
    "best_share",
    "boundary_multiplicity",
    "build_certificate",
    "build_certificates",
    "cartesian_irreps",
    "chain_square",
    "chain_witness",
    "check_formal_proof",
    "clebsch_gordan",
    "complex_harmonic",
    "composed_input_bounds",
    "coq_installed",
    "coupling_cost",
    "crossover_share",
    "deep_input_ceiling",
    "dipole_mean",
    "direction_share",
    "exponential_grades",
    "fairchem_grid",
    "fairchem_resolution",
    "feature_cost",
    "feature_irreps",
    "first_order_bound",
    "first_order_mean",
    "formal_files",
    "formal_multiplicities",
    "formal_statements",
    "format_irreps",
    "gaunt",
    "grade_weights",
    "grid_certificate",
    "grid_degree",
    "grid_degree_needed",
    "group_of_operations",
    "haar_mean_square_torque",
    "harmonics_cost",
    "highest_weight_norm",
    "highest_weight_square",
    "input_ceiling",
    "invariant_table",
    "knob_costs",
    "layer_ceilings",
    "layer_factors",
    "layer_steps",
    "matrix_product_paths",
    "mean_series",
    "minimal_pairs",
    "model_cost",
    "orbit",
    "output_ceiling",
    "parse_irreps",
    "point_group",
    "polar_moments",
    "polynomial_cost",
    "polynomial_layers",
    "polynomial_multiplicities",
    "predicted_recovery",
    "product_allowed",
    "product_coefficient",
    "product_degrees",
    "product_multiplicities",
    "prove_span_theorem",
    "reach_on_graph",
    "reaches",
    "readout_multiplicities",
    "real_gaunt",
    "real_harmonic",
    "real_wigner_3j",
    "realised_multiplicities",
    "relation_multiplicities",
    "s2_activation_resolution",
    "scalarised_multiplicities",
    "site_group",
    "site_invariants",
    "smallest_grid",
    "so2_certificate",
    "so2_certificates",
    "so2_components",
    "so2_couplings",
    "so2_table",
    "so2_torsion_order",
    "span",
    "span_of_degrees",
    "star_certificate",
    "star_certificates",
    "stretched_coefficient",
    "stretched_square",
    "stretched_witness",
    "symmetric_field",
    "symmetry_advice",
    "tensor_product_cost",
    "third_side",
    "torque_series",
    "torsion_share",
    "triangle",
    "unnatural_input_bound",
    "verify_certificate",
    "verify_file",
    "wiring",
    "witness_square",
    "zero_coupling",
]
