"""The network is a polynomial of exactly the degree it says, learns what it can represent, and starts and ends as told."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.readouts.polynomial_network import MAX_DEGREE, PolynomialNetwork
from spectral_ceilings.diagnostic.readouts.polynomial_network_training import NetworkTraining, fit_network
from spectral_ceilings.theory.errors import InputError

QUICK = NetworkTraining(steps=300, batch=128)


def random_network(**settings):
    network = PolynomialNetwork(3, 2, **settings)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        network.readout.copy_(torch.randn(network.readout.shape, generator=generator, dtype=torch.float64))
    return network


def differences_along_a_line(network, order):
    """Relative size of the finite differences of one order: zero exactly for polynomials of a lower degree."""
    line = np.linspace(-1.0, 1.0, order + 1)[:, None] * np.array([[0.3, -0.5, 0.8]]) + 0.1
    values = network.predict(line)
    signs = np.array([(-1) ** k * math.comb(order, k) for k in range(order + 1)])
    # Rounding: each value carries a few thousand roundings of eps, summed with weights of total 2^order.
    return np.abs(signs @ values).max() / (np.abs(values).max() * 2.0**order)


@pytest.mark.parametrize(("degree", "depth"), [(1, 1), (2, 1), (3, 1), (5, 1), (2, 2), (1, 3)])
@pytest.mark.parametrize("activation", ["power", "product"])
def test_the_network_is_a_polynomial_of_its_degree_and_of_no_lower_one(activation, degree, depth):
    network = random_network(degree=degree, depth=depth, activation=activation, width=16)
    assert network.degree == degree**depth
    assert differences_along_a_line(network, network.degree + 1) < 1e4 * np.finfo(float).eps
    assert differences_along_a_line(network, network.degree) > 1e-7


@pytest.mark.parametrize("activation", ["silu", "tanh"])
def test_a_control_is_no_polynomial_of_low_degree(activation):
    network = random_network(activation=activation, width=16)
    assert network.degree is None
    assert differences_along_a_line(network, 7) > 1e-9


@pytest.mark.parametrize(
    ("degree", "depth", "optimiser"), [(1, 1, "adam"), (3, 1, "adam"), (2, 2, "adam"), (2, 1, "sgd"), (3, 1, "lbfgs")]
)  # fmt: skip
def test_it_learns_a_polynomial_of_its_degree(degree, depth, optimiser):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 3)) * (1.0, 20.0, 0.05) + (0.0, 3.0, -1.0)
    z = (x - (0.0, 3.0, -1.0)) / (1.0, 20.0, 0.05)
    order = degree**depth
    y = 100.0 + 5.0 * np.stack([z[:, 0] ** min(order, 3), z[:, 1] - z[:, 2] * z[:, 0] ** (order > 1)], axis=1)
    training = NetworkTraining(optimiser=optimiser, steps=100 if optimiser == "lbfgs" else 500)
    fit = fit_network(x[:1000], y[:1000], degree=degree, depth=depth, width=64, training=training)
    error = np.mean((fit.predict(x[1000:]) - y[1000:]) ** 2)
    assert error < 0.01 * np.var(y, axis=0).mean()
    assert fit.history[0].training == pytest.approx(
        np.var(y[:1000], axis=0).mean(), rel=1e-4
    )  # starts at the mean
    assert fit.history[-1].training < 0.01 * fit.history[0].training
    assert not fit.diverged


def test_two_runs_of_one_seed_are_the_same_and_of_two_seeds_are_not():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(300, 4)), rng.normal(size=300)
    first, again, other = (fit_network(x, y, training=QUICK, seed=seed).predict(x) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_nothing_outside_is_changed():
    rng = np.random.default_rng(1)
    before = torch.get_rng_state(), torch.get_default_dtype()
    fit_network(rng.normal(size=(50, 2)), rng.normal(size=50), training=NetworkTraining(steps=3))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.get_default_dtype() == before[1]


def test_the_best_weights_on_validation_data_are_kept():
    """Noise and a network far too large: the validation error rises while the training error falls."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(60, 6)), rng.normal(size=60)
    other = rng.normal(size=(200, 6)), rng.normal(size=200)
    fit = fit_network(x, y, degree=3, validation=other, training=QUICK)
    errors = {look.step: look.validation for look in fit.history}
    assert fit.best_step == min(errors, key=errors.__getitem__) < QUICK.steps
    kept = np.mean((fit.predict(other[0])[:, 0] - other[1]) ** 2)
    # The look adds 200 squares in single precision: three roundings in each square and eight pairwise sums.
    assert kept == pytest.approx(errors[fit.best_step], rel=(3 + 8) * 2.0**-23)
    assert fit_network(x, y, degree=3, training=QUICK).best_step == QUICK.steps


def test_a_column_that_never_varied_says_nothing():
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.normal(size=(100, 2)), np.full((100, 1), 0.28)], axis=1)
    fit = fit_network(x, x[:, 0] * x[:, 1], training=QUICK)
    predicted = fit.predict(x)
    assert np.std(predicted) > 0.1  # it did learn from the others
    # Its scale is infinite, so that any value of it is an exact zero to the network.
    assert np.array_equal(fit.predict(x + np.array([0.0, 0.0, 1e6])), predicted)


def test_a_constant_target_is_met_exactly():
    """The readout starts at zero around the targets' mean: no error, no gradient, no step."""
    x = np.random.default_rng(3).normal(size=(100, 2))
    assert (fit_network(x, np.full(100, 4.0), training=QUICK).predict(x) == 4.0).all()


def test_a_run_that_diverges_says_so_and_keeps_finite_weights():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 3))
    training = NetworkTraining(optimiser="sgd", learning_rate=1e6, steps=100)
    fit = fit_network(x, x[:, 0] ** 5, degree=5, depth=2, training=training)
    assert fit.diverged
    assert np.isfinite(fit.predict(x)).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"degree": 0}, r"degree of the network is 0"),
        ({"width": 2.5}, r"width of the network is 2\.5"),
        ({"activation": "relu"}, r"activation 'relu' is unknown: give power, product, silu, tanh"),
        ({"degree": 5, "depth": 5}, rf"has degree 3125: keep it at or below {MAX_DEGREE}"),
        ({"seed": -1}, r"seed is -1"),
        ({"device": "cuda:97"}, r"device 'cuda:97' cannot be used here"),
        ({"validation": (np.ones((2, 5)), np.ones(2))}, r"validation data have 5 inputs"),
    ],
)
def test_a_wrong_setting_is_named(settings, message):
    with pytest.raises(InputError, match=message):
        fit_network(np.ones((4, 2)), np.ones(4), **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimiser": "newton"}, r"optimiser 'newton' is unknown: give adam, sgd, lbfgs"),
        ({"steps": 0}, r"steps of the training is 0"),
        ({"learning_rate": math.nan}, r"learning_rate is nan"),
        ({"weight_decay": -1.0}, r"weight_decay is -1\.0"),
        ({"precision": "half"}, r"precision 'half' is unknown"),
    ],
)
def test_a_wrong_way_of_training_is_named(settings, message):
    with pytest.raises(InputError, match=message):
        NetworkTraining(**settings)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.floats() | st.text(max_size=2), max_size=3), max_size=3),
    st.lists(st.floats() | st.none(), max_size=3),
)
def test_arrays_are_fitted_or_refused_in_one_sentence(x, y):
    sentence = ""
    try:
        fit = fit_network(x, y, width=2, training=NetworkTraining(steps=1, looks=1))
        assert fit.predict(np.asarray(x, dtype=float)).shape == (len(x), 1)
    except InputError as error:
        sentence = str(error)
    assert "\n" not in sentence
