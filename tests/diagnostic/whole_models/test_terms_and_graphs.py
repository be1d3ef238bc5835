"""Terms against SciPy's polynomials and theory's own; configurations and edges against what the graphs are said to be."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import eval_legendre

from spectral_ceilings.diagnostic.whole_models.graphs import ALIKE, APART, GRAPHS, GraphLayout, Graphs
from spectral_ceilings.diagnostic.whole_models.terms import chain_terms, star_terms, term_of, term_values
from spectral_ceilings.theory import PairTerm, ProductTerm, TorsionTerm
from spectral_ceilings.theory.cosines import orbit, pairs
from spectral_ceilings.theory.errors import InputError

EVERY = ("pairs", "products", "torsions")


def drawn(layout, count=50, seed=0):
    return layout.directions(count, np.random.default_rng(seed))


def test_a_pair_term_is_the_sum_of_legendre_polynomials():
    directions = drawn(GraphLayout("star"))
    for l in range(1, 9):
        expected = sum(
            eval_legendre(l, np.sum(directions[:, j] * directions[:, k], axis=1))
            for j, k in ((0, 1), (0, 2), (1, 2))
        )
        # P_8 is a sum of terms up to 50 in size, each with rounding of 1e-16 relative
        np.testing.assert_allclose(term_values(PairTerm(l), directions), expected, atol=1e-13)


@pytest.mark.parametrize("term", star_terms(EVERY, 5), ids=lambda term: term.name)
def test_the_values_are_those_of_the_polynomial_of_theory(term):
    directions = drawn(GraphLayout("star"))
    cosines = [np.sum(directions[:, j] * directions[:, k], axis=1) for j, k in pairs(3)]
    expected = np.zeros(len(directions))
    for representative, value in term.polynomial(3).items():
        for exponents in orbit(representative, 3):
            expected += float(value) * np.prod(
                [c**n for c, n in zip(cosines, exponents, strict=True)], axis=0
            )
    np.testing.assert_allclose(term_values(term, directions), expected, atol=1e-12)


@pytest.mark.parametrize("l", [1, 2, 3])
def test_a_torsion_is_the_cosine_of_l_times_the_dihedral_angle(l):
    directions = drawn(GraphLayout("chain"))
    u, w, v = (directions[:, k] for k in range(3))
    across = [x - np.sum(x * w, axis=1, keepdims=True) * w for x in (u, v)]
    sines = [np.linalg.norm(x, axis=1) for x in across]
    cosine = np.sum(across[0] * across[1], axis=1) / (sines[0] * sines[1])
    expected = (sines[0] * sines[1]) ** l * np.cos(l * np.arccos(np.clip(cosine, -1, 1)))
    # arccos loses half the digits near its ends
    np.testing.assert_allclose(term_values(TorsionTerm(l), directions), expected, atol=1e-7)


def test_names_and_terms_are_each_others_inverse():
    for term in (*star_terms(EVERY, 8), *chain_terms(EVERY, 8)):
        assert term_of(term.name) == term
    assert term_of("product(1,2)") == ProductTerm(1, 2)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="pairoductsn(),0123456789 ", max_size=16))
def test_a_name_is_a_term_or_one_sentence(name):
    try:
        term = term_of(name)
    except InputError:
        return
    assert term_of(term.name) == term


@pytest.mark.parametrize("graph", GRAPHS)
def test_positions_have_the_distances_of_their_graph(graph):
    layout = GraphLayout(graph, cutoff=1.3 if graph == "cutoff" else 5.0)
    positions = layout.positions(drawn(layout))
    lengths = {
        pair: np.linalg.norm(positions[:, pair[0]] - positions[:, pair[1]], axis=1) for pair in layout.pairs
    }
    bonds = ((0, 1), (1, 2), (2, 3)) if layout.chain else tuple((0, j) for j in range(1, layout.atoms))
    for bond in bonds:
        np.testing.assert_allclose(lengths[bond], 1.0, atol=1e-12)
    if graph == "cutoff":
        third = lengths[1, 2]
        assert np.all((third >= np.sqrt(2) - 1e-12) & (third <= 2.0 + 1e-12))
    apart = GraphLayout("star", alike=False)
    far = np.linalg.norm(apart.positions(drawn(apart))[:, 1:], axis=2)
    np.testing.assert_allclose(far, np.broadcast_to(APART, far.shape), atol=1e-12)
    assert ALIKE == (1.0, 1.0, 1.0)


def test_edges_join_atoms_of_one_configuration_in_both_directions():
    layout = GraphLayout("all")
    graphs = Graphs.of(layout, torch.from_numpy(layout.positions(drawn(layout, 5))))
    edges = {tuple(edge) for edge in graphs.edges.T.tolist()}
    assert len(edges) == 5 * 4 * 3
    assert all(a // 4 == b // 4 and (b, a) in edges for a, b in edges)


@pytest.mark.parametrize(("cutoff", "edges"), [(1.3, 4), (2.5, 6)])
def test_a_cutoff_below_the_third_side_has_the_bonds_alone(cutoff, edges):
    layout = GraphLayout("cutoff", cutoff=cutoff)
    graphs = Graphs.of(layout, torch.from_numpy(layout.positions(drawn(layout, 20))))
    assert graphs.edges.shape == (2, 20 * edges)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"graph": "ring"}, "graph is 'ring'"),
        ({"graph": "cutoff", "cutoff": 0.9}, "a cutoff of 0.9 Å"),
        ({"graph": "star", "cutoff": 2.0}, "a cutoff of 2.0 Å"),
        ({"graph": "chain", "alike": False}, "has neighbours alike only"),
    ],
)
def test_a_wrong_graph_is_one_sentence(arguments, message):
    with pytest.raises(InputError, match=message):
        GraphLayout(**arguments)
