"""Python files of a user: a model and a calculator that are right, and each way in which they can fail."""

MODELS = """
import sys

import numpy as np

from spectral_ceilings.diagnostic import from_callable
from spectral_ceilings.numerics import real_harmonics


def features(frames):
    x = frames.positions
    d = x[:, None] - x[:, :, None]
    r = np.linalg.norm(d, axis=-1)
    d = np.where((r > 1e-6)[..., None], d, np.array([0, 1.0, 0]))
    y = real_harmonics(2, d.reshape(-1, 3)).reshape(*r.shape, -1)
    return np.einsum("nij,nijm->nim", np.exp(-r) * (r > 1e-6), y)


def fails(frames):
    raise KeyError("no weights for oxygen")


def right(): return from_callable(features, "0e+1o+2e")
def raises(): raise RuntimeError("weights {missing}")
def exits(): sys.exit(0)
def exits_as_if_not_held(): sys.exit(1)
def raises_when_evaluated(): return from_callable(fails, "0e+1o+2e")
def ends_of_file(): raise EOFError("checkpoint cut short")
def breaks_a_pipe(): raise BrokenPipeError(32, "Broken pipe")
def wrong_shape(): return from_callable(lambda frames: features(frames)[:, :1], "0e+1o+2e")
def no_model(): return 3
"""

CALCULATORS = """
import numpy as np
from ase.calculators.calculator import Calculator, all_changes


class Spring(Calculator):
    implemented_properties = ["energy", "forces"]

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        x = self.atoms.positions - self.atoms.positions.mean(axis=0)
        self.results = self.spoil({"energy": float((x**2).sum()), "forces": -2 * x})

    def spoil(self, results):
        return results


class Flat(Spring):
    def spoil(self, results):
        return {**results, "forces": results["forces"].ravel()}


class EnergyArray(Spring):
    def spoil(self, results):
        return {**results, "energy": np.array([results["energy"]])}


class Words(Spring):
    def spoil(self, results):
        return {**results, "energy": "low"}


class NoOxygen(Spring):
    def spoil(self, results):
        raise KeyError(8)


class NotFinite(Spring):
    def spoil(self, results):
        return {**results, "forces": results["forces"] * np.nan}
"""
