"""Calculators of files whose layers cannot be tapped: exported metatomic models, compiled models of nequip.

Both are code. A metatomic file names native libraries that are loaded with it, and its TorchScript is a program; a
``.nequip.pt2`` holds machine code. So both need ``trust``.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.sources import COMPILED, is_metatomic

Array = NDArray[np.float64]


class MetatomicModel(Calculator):
    """A metatomic model through ``metatomic_ase.MetatomicCalculator``, many structures at a time; eV, eV/Å, eV/Å³.

    Forces are minus the gradient of the energy, stress its derivative with respect to strain, over the volume.

    Parameters
    ----------
    model
        Path of an exported model, or an ``AtomisticModel``.
    label
        What errors call it.
    device
        Where it is evaluated.

    Raises
    ------
    InputError
        The packages are absent, the file is damaged or needs an extension that is not installed, or there is no energy.
    """

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012 - ASE's interface

    def __init__(self, model: Any, label: str = "the metatomic model", device: str = "cpu") -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        let_script_compile()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript, which metatomic is built on
            try:
                from metatomic_ase import MetatomicCalculator

                # A skin keeps a neighbour list from call to call, which a turned structure cannot use.
                self.inner = MetatomicCalculator(model, neighbor_skin=0.0, device=device)
            except ImportError as error:
                raise InputError(
                    f"{label} needs the packages metatomic-torch and metatomic-ase; install the extra 'metatomic'"
                ) from error
            except (RuntimeError, ValueError, OSError) as error:
                reason = " ".join(str(error).split())[:300]
                raise InputError(f"{label} cannot be read as a metatomic model ({reason})") from error
        outputs = self.inner.model().capabilities().outputs
        if not any(name.partition("/")[0] == "energy" for name in outputs):
            raise InputError(
                f"{label} gives {', '.join(outputs) or 'nothing'} and no energy; give a model with an energy output"
            )

    @property
    def asks_for_more(self) -> bool:
        """Whether the model wants charges, spins or the like, which metatomic's own calculator takes from a structure."""
        return bool(self.inner.model().requested_inputs(use_new_names=True))

    def many(self, structures: Sequence[Atoms]) -> tuple[Array, Array]:
        """Return energies ``(structures,)`` and forces ``(structures, atoms, 3)``."""
        energies, forces, _ = self._evaluate(structures)
        return energies, forces

    def _evaluate(self, structures: Sequence[Atoms]) -> tuple[Array, Array, Array | None]:
        """Return energies, forces and the first structure's stress, (3, 3), where all structures are periodic throughout."""
        values = self.inner.compute_energy(list(structures), compute_forces_and_stresses=True)
        stress = values.get("stress") if all(structure.pbc.all() for structure in structures) else None
        energies, forces = (np.array(values[name], dtype=np.float64) for name in ("energy", "forces"))
        return energies, forces, None if stress is None else np.array(stress[0], dtype=np.float64)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy", "forces"),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Evaluate one structure."""
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        energies, forces, stress = self._evaluate([cast(Atoms, self.atoms)])
        self.results = {"energy": float(energies[0]), "forces": forces[0]}
        if stress is not None:
            self.results["stress"] = full_3x3_to_voigt_6_stress(stress)  # type: ignore[no-untyped-call]


def let_script_compile() -> None:
    """Tell TorchScript that torch_geometric's replacements of two functions of torch are those functions.

    metatomic compiles its operations when it is imported, and fails on the Python functions that torch_geometric puts in their
    place as soon as it is imported, by nequip or sevenn.
    """
    if "torch_geometric" not in sys.modules:
        return
    import torch
    from torch.jit._builtins import _register_builtin

    for name in ("index_select", "select"):
        _register_builtin(getattr(torch, name), f"aten::{name}")


def is_compiled(source: str) -> bool:
    """Whether a file is a model that can be evaluated and not looked into."""
    return source.endswith(COMPILED) or is_metatomic(source)


def load_compiled(source: str, trust: bool, device: str = "cpu") -> tuple[Any, str]:
    """Return the calculator of a compiled model's file and what kind of model it is.

    Raises
    ------
    InputError
        No such file, no ``trust``, an absent package, or a file that cannot be read on this machine.
    """
    path = Path(source)
    metatomic = is_metatomic(source)
    title = "metatomic model" if metatomic else "compiled nequip model"
    if not path.is_file():
        raise InputError(f"no {title} at {source}; give the path of a file")
    if not trust:
        raise InputError(
            f"{path.name} is a {title}, which holds code that is run; add --trust (in Python trust=True) if you trust whoever "
            "made it"
        )
    if metatomic:
        model = MetatomicModel(path, path.name, device)
        return (model.inner if model.asks_for_more else model), "metatomic"
    return _nequip(path, device), "compiled nequip"


def _nequip(path: Path, device: str) -> Any:
    """Return nequip's calculator on a device; a compiled model runs on the kind of device alone that it was compiled for."""
    try:
        from nequip.integrations.ase import NequIPCalculator
    except ImportError as error:
        raise InputError(f"{path.name} needs the package nequip; install the extra 'nequip'") from error
    names = dict.fromkeys([device, device.removesuffix(":0")])  # nequip-compile writes cuda, the first card
    reasons = []
    for name in names:
        try:
            return NequIPCalculator.from_compiled_model(str(path), device=name)
        except Exception as error:  # unpacking and linking machine code fail in many ways
            reasons.append(" ".join(str(error).split())[:200] or type(error).__name__)
    raise InputError(
        f"{path.name} cannot be loaded as a compiled model of nequip on {device} ({reasons[-1]}); give the --device that it was "
        "compiled for, or compile it on this machine with nequip-compile --target ase"
    )
