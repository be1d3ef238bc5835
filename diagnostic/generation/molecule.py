"""A molecule from its SMILES: a relaxed starting geometry, its bonds, charge and multiplicity."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.data import atomic_masses, covalent_radii
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.alignment import centred

#: GFN2-xTB is parametrised for hydrogen to radon.
_HEAVIEST = 86
#: A bond is called broken beyond this multiple of the sum of covalent radii. Thermal stretching at 500 K
#: stays under 1.25; a dissociated bond passes 1.5 within a few femtoseconds.
_BROKEN = 1.5
#: A new bond to hydrogen: closer than this multiple of the sum of covalent radii (hydrogen bonds stay
#: above 1.5).
_FORMED = 1.15


class MissingExtraError(InputError):
    """A package of an optional extra is not installed; the message names the extra."""


@dataclass(frozen=True)
class Molecule:
    """One molecule with a starting geometry.

    Attributes
    ----------
    smiles : str
        The SMILES that it was read from.
    numbers : (A,) int array
        Atomic numbers: the SMILES order, explicit hydrogens appended.
    positions : (A, 3) float array
        Relaxed geometry (Å), centre of mass at the origin.
    bonds : (B, 2) int array
        Bonded pairs of the SMILES.
    charge, multiplicity : int
        Total formal charge (e) and spin multiplicity, 2S + 1.
    relaxation : str
        The force field that relaxed the geometry.
    """

    smiles: str
    numbers: NDArray[np.int64]
    positions: NDArray[np.float64]
    bonds: NDArray[np.int64]
    charge: int
    multiplicity: int
    relaxation: str


def molecule_from_smiles(smiles: str, *, seed: int) -> Molecule:
    """Embed a SMILES in three dimensions (ETKDGv3) and relax it (MMFF94; UFF where that lacks parameters).

    Parameters
    ----------
    smiles : str
        One connected molecule; hydrogens are made explicit and appended after the atoms of the SMILES.
    seed : int
        Seed of the embedding.

    Returns
    -------
    Molecule

    Raises
    ------
    InputError
        If RDKit is missing, the SMILES cannot be read, is made of several molecules, or holds an element
        heavier than radon.
    """
    try:
        Chem: Any = importlib.import_module("rdkit.Chem")
        AllChem: Any = importlib.import_module("rdkit.Chem.AllChem")
        log: Any = importlib.import_module("rdkit.RDLogger")
    except ImportError as error:
        raise MissingExtraError(missing_generate("rdkit")) from error

    log.DisableLog("rdApp.*")
    try:
        bare = Chem.MolFromSmiles(smiles)
    finally:
        log.EnableLog("rdApp.*")
    if bare is None or bare.GetNumAtoms() == 0:
        raise InputError(
            f"SMILES {smiles!r} cannot be read: expected one valid molecule such as 'CC(=O)Oc1ccccc1C(=O)O'."
        )
    if len(Chem.GetMolFrags(bare)) != 1:
        raise InputError(
            f"SMILES {smiles!r} holds {len(Chem.GetMolFrags(bare))} separate molecules: expected one, "
            "so take one of the parts between the dots."
        )
    mol = Chem.AddHs(bare)
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()], dtype=np.int64)
    if numbers.min() < 1 or numbers.max() > _HEAVIEST:
        raise InputError(
            f"SMILES {smiles!r} holds the atomic number {numbers[(numbers < 1) | (numbers > _HEAVIEST)][0]}: "
            f"GFN2-xTB knows 1 to {_HEAVIEST}, so take a molecule made of these."
        )
    if len(numbers) < 2:
        raise InputError(f"SMILES {smiles!r} is a single atom: expected a molecule with at least one bond.")
    parameters = AllChem.ETKDGv3()
    parameters.randomSeed = seed % 2**31
    if AllChem.EmbedMolecule(mol, parameters) != 0:
        raise InputError(
            f"SMILES {smiles!r} could not be embedded in three dimensions with seed {seed}: try another seed."
        )
    if AllChem.MMFFHasAllMoleculeParams(mol):
        relaxation = "MMFF94"
        AllChem.MMFFOptimizeMolecule(mol, maxIters=5000)
    elif AllChem.UFFHasAllMoleculeParams(mol):
        relaxation = "UFF"
        AllChem.UFFOptimizeMolecule(mol, maxIters=5000)
    else:
        relaxation = "none"
    positions = np.array(mol.GetConformer().GetPositions(), dtype=np.float64)
    radicals = sum(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms())
    return Molecule(
        smiles=smiles,
        numbers=numbers,
        positions=centred(positions, atomic_masses[numbers]),
        bonds=np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()], dtype=np.int64),
        charge=Chem.GetFormalCharge(mol),
        multiplicity=radicals + 1,
        relaxation=relaxation,
    )


def missing_generate(package: str) -> str:
    """Return the one sentence that says which extra brings a missing package."""
    return (
        f"the Python package {package!r} is not installed: generating frames needs the extra 'generate', "
        "so run pip install 'spectral-ceilings[generate]'."
    )


def broken_topology(
    numbers: NDArray[np.int64], bonds: NDArray[np.int64], positions: NDArray[np.float64]
) -> str | None:
    """Say in words which bond broke or formed, or return None while the molecule is the one of its bonds.

    Parameters
    ----------
    numbers : (A,) int array
        Atomic numbers.
    bonds : (B, 2) int array
        Bonded pairs.
    positions : (A, 3) float array
        One frame (Å).

    Returns
    -------
    str or None
        For example ``"the bond between atoms 3 and 4 is 2.31 Å long"``.
    """
    radii = covalent_radii[numbers]
    sums = radii[:, None] + radii[None, :]
    distances = np.linalg.norm(positions[:, None] - positions[None, :], axis=-1)
    bonded = np.zeros(distances.shape, dtype=bool)
    bonded[bonds[:, 0], bonds[:, 1]] = bonded[bonds[:, 1], bonds[:, 0]] = True
    for i, j in bonds:
        if not distances[i, j] <= _BROKEN * sums[i, j]:
            return f"the bond between atoms {i} and {j} is {distances[i, j]:.2f} Å long"
    close = np.triu(~bonded & (distances < _FORMED * sums), k=1)
    if close.any():
        i, j = np.argwhere(close)[0]
        return f"the atoms {i} and {j}, not bonded in the SMILES, are {distances[i, j]:.2f} Å apart"
    return None
