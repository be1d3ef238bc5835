"""Errors of a model against its labels: of the stress in the loss, and of everything on held-out structures."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

from .state import Graph


def held_out_errors(
    predict: Callable[[Graph], Graph], batches: Iterable[Graph], *, energy: str | None, stress: bool
) -> dict[str, float | int]:
    r"""Return mean absolute and root mean square errors over all structures.

    Energies: :math:`|E - E_{\mathrm{ref}}| / N` of each structure of N atoms, in eV/atom. Forces: over components, eV/Å.
    Stress: over the nine components of the structures that have one, eV/Å³. Predictions are the model's, in its own number
    format; sums are kept in float64.

    Parameters
    ----------
    predict
        Gives energy, forces and stress of a batch, under the names of the batch.
    batches
        Graphs with the reference values.
    energy
        Name of the energy in both; None where the structures have none.
    stress
        Whether stress is compared.

    Returns
    -------
    dict
        ``frames``, and ``mae`` and ``rmse`` of each quantity that was compared: ``energy_mae_eV_atom``, ``force_rmse_eV_A``,
        ``stress_mae_eV_A3``, ...
    """
    differences: dict[str, list[torch.Tensor]] = {}
    frames = 0
    for data in batches:
        predicted = predict(data)
        atoms = torch.bincount(data["batch"]).double()
        frames += len(atoms)
        each = {"force_{}_eV_A": (predicted["forces"] - data["forces"]).detach().double().flatten()}
        if energy is not None:
            gap = (predicted[energy].flatten() - data[energy].flatten()).detach().double()
            each["energy_{}_eV_atom"] = gap / atoms
        if stress:
            known = torch.isfinite(data["stress"]).flatten(1).all(dim=1)
            each["stress_{}_eV_A3"] = (
                (predicted["stress"] - data["stress"])[known].detach().double().flatten()
            )
        for name, values in each.items():
            differences.setdefault(name, []).append(values)
    errors: dict[str, float | int] = {"frames": frames}
    for name, parts in differences.items():
        every = torch.cat(parts)
        if len(every):
            errors[name.format("mae")] = float(every.abs().mean())
            errors[name.format("rmse")] = float((every**2).mean().sqrt())
    return errors


def stress_error(predicted: Graph, reference: Graph) -> torch.Tensor:
    """Return the mean squared error of the stress ``(frames, 3, 3)``, over frames whose reference is finite; zero without."""
    known = torch.isfinite(reference["stress"]).flatten(1).all(dim=1)
    if not bool(known.any()):
        return torch.zeros(())
    return ((predicted["stress"][known] - reference["stress"][known]) ** 2).mean()
