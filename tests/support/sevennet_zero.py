"""SevenNet-0 with its published weights as a backbone, and as a calculator; needs `pip install sevenn`.

    ceilings diagnose examples/sevennet.py:backbone aspirin-xtb --trust --out runs/sevennet
    ceilings audit examples/sevennet.py:backbone_float32 aspirin-xtb --trust --out runs/sevennet-audit
    ceilings audit examples/sevennet.py:calculator aspirin-xtb --trust --parts symmetry --out runs/sevennet-symmetry

Tables of a model (Wigner 3j symbols, normalisations) take the number format in which it is built, so float64 builds it anew.
"""

import warnings
from typing import Any

import numpy as np
import torch
from ase import Atoms
from numpy.typing import NDArray

from spectral_ceilings.diagnostic import Backbone, from_module

LAYERS = tuple(f"{k}_equivariant_gate" for k in range(4))
FRAMES_AT_A_TIME = 8
IRREPS = "128x0e+64x1e+32x2e"


def network(dtype: torch.dtype = torch.float64, seed: int | None = None, name: str = "7net-0") -> Any:
    """Return SevenNet built in ``dtype``: with its weights, or with random ones of a seed."""
    from sevenn.model_build import build_E3_equivariant_model
    from sevenn.util import load_checkpoint

    before = torch.get_default_dtype()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that it is made with
        checkpoint = load_checkpoint(name)
        published = checkpoint.build_model()
        try:
            torch.set_default_dtype(dtype)
            torch.manual_seed(0 if seed is None else seed)
            model = build_E3_equivariant_model(checkpoint.config).to(dtype)
        finally:
            torch.set_default_dtype(before)
    # weights alone: tables keep the number format in which they were built; of random ones the number of neighbours
    given = dict(published.named_parameters())
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if seed is None or key.endswith("denominator"):
                parameter.copy_(given[key])

    def cast(_module: Any, _inputs: Any, data: Any) -> Any:
        data["x"] = data["x"].to(dtype)  # the table of elements is made in float32
        return data

    model.onehot_idx_to_onehot.register_forward_hook(cast)
    model.set_is_batch_data(False)
    return model.eval()


def graph(numbers: NDArray[np.int64], positions: NDArray[np.float64], cutoff: float) -> dict[str, Any]:
    """Return what SevenNet takes, all frames as one graph whose parts are not connected."""
    frames, atoms, _ = positions.shape
    vectors = positions[:, None] - positions[:, :, None]  # from i to j
    near = (np.linalg.norm(vectors, axis=-1) < cutoff) & ~np.eye(atoms, dtype=bool)
    frame, i, j = np.nonzero(near)
    z = torch.as_tensor(np.tile(numbers, frames))
    return {
        "x": z,
        "atomic_numbers": z,
        "pos": torch.as_tensor(positions.reshape(-1, 3)),
        "edge_index": torch.as_tensor(np.stack([frame * atoms + i, frame * atoms + j])),
        "edge_vec": torch.as_tensor(vectors[near]),
        "cell_volume": torch.tensor(float(np.finfo(np.float32).eps)),
        "num_atoms": torch.tensor(frames * atoms),
    }


def energies_and_forces(model: Any, numbers: Any, positions: Any) -> tuple[Any, Any]:
    """Return total energies (eV) and forces (eV/Å) of frames; the energies are summed frame by frame."""
    dtype = next(model.parameters()).dtype
    energies, forces = [], []
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)  # the harmonics are computed in it
    try:
        for some in np.array_split(positions, max(1, len(positions) // FRAMES_AT_A_TIME)):
            data = graph(np.asarray(numbers), some, model.cutoff)
            out = model({k: v.to(dtype) if v.is_floating_point() else v for k, v in data.items()})
            energies.append(out["atomic_energy"].detach().numpy().reshape(len(some), -1).sum(axis=1))
            forces.append(out["inferred_force"].detach().numpy().reshape(some.shape))
    finally:
        torch.set_default_dtype(before)
    return np.concatenate(energies), np.concatenate(forces)


def _backbone(dtype: torch.dtype) -> Backbone:
    whole = network(dtype)
    last = list(whole._modules).index(LAYERS[-1]) + 1

    def features_only(seed: int | None = None) -> Any:
        model = network(dtype, seed)
        for key in list(model._modules)[last:]:
            model.delete_module_by_key(key)
        model.key_grad = None  # the vectors of the edges need no gradients where forces are not asked for
        return model

    from ase.data import chemical_symbols

    return from_module(
        features_only(),
        LAYERS,
        [IRREPS] * len(LAYERS),
        inputs=lambda frames: graph(frames.numbers, frames.positions, whole.cutoff),
        pick=lambda data: data["x"],
        energies=lambda frames: energies_and_forces(whole, frames.numbers, frames.positions)[0],
        forces=lambda frames: energies_and_forces(whole, frames.numbers, frames.positions)[1],
        elements=[chemical_symbols[z] for z in sorted(whole.type_map)],
        source=f"SevenNet-0, {str(dtype).removeprefix('torch.')}",
        untrained=features_only,
        dtype=dtype,
    )


def backbone() -> Backbone:
    """Return SevenNet-0 built in float64, four layers."""
    return _backbone(torch.float64)


def backbone_float32() -> Backbone:
    """Return SevenNet-0 as it is distributed."""
    return _backbone(torch.float32)


def calculator() -> Any:
    """Return SevenNet's own ASE calculator, float32."""
    from sevenn.calculator import SevenNetCalculator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SevenNetCalculator("7net-0", device="cpu")


def calculator_float64() -> Any:
    """Return an ASE calculator of SevenNet-0 built in float64."""
    from ase.calculators.calculator import Calculator, all_changes

    model = network(torch.float64)

    class SevenNet(Calculator):
        implemented_properties = ["energy", "forces"]  # noqa: RUF012

        def calculate(
            self,
            atoms: Atoms | None = None,
            properties: Any = ("energy",),
            system_changes: Any = all_changes,
        ) -> None:
            super().calculate(atoms, properties, system_changes)
            energies, forces = energies_and_forces(model, self.atoms.numbers, self.atoms.positions[None])
            self.results = {"energy": float(energies[0]), "forces": forces[0]}

    return SevenNet()


def main() -> None:
    """Print that this backbone and SevenNet's own calculator agree."""
    from ase.build import molecule

    atoms = molecule("CH3CH2OH")
    for make in (calculator, calculator_float64):
        atoms.calc = make()
        print(make.__name__, atoms.get_potential_energy(), np.abs(atoms.get_forces()).max())


if __name__ == "__main__":
    main()
