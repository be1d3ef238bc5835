r"""Under which names a file keeps its forces, energies and stress, where it does not call them so.

Names of labels are those that data sets have: ``REF_forces``, ``dft_forces``, ``force``; ``REF_energy``, ``free_energy``,
``total_energy``; ``REF_stress``, ``virial``. Predictions of models (``MACE_forces``, ``nequip_energy``) are no labels and are
taken only where the caller names them. A virial W (eV) is :math:`-\partial E / \partial \varepsilon`, so that the stress is
:math:`-W / V`, with ASE's sign (GAP, MACE and NequIP data sets follow this convention).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ...theory.errors import InputError
from .images import Table, results_of

_PREFIXES = (
    "ref", "reference", "dft", "qm", "pbe", "ccsd", "target", "true", "label", "gt", "vasp", "cp2k", "xtb", "total", "atomic",
)  # fmt: skip
_MODELS = (
    "mace", "nequip", "allegro", "sevennet", "7net", "chgnet", "m3gnet", "uma", "orb", "pred", "predicted", "model", "ml", "nn",
)  # fmt: skip
_STEMS = {
    "forces": ("forces", "force"),
    "energy": ("energy",),
    "stress": ("stress", "virial", "virials"),
}
_OPTIONS = {"forces": "forces_key", "energy": "energy_key", "stress": "stress_key"}


@dataclass(frozen=True)
class Keys:
    """Names of the labels of a file; None: it has none.

    Attributes
    ----------
    forces, energy, stress : str or None
        Names of arrays, values or results of a calculator.
    """

    forces: str | None = None
    energy: str | None = None
    stress: str | None = None

    @classmethod
    def choose(
        cls,
        table: Table,
        name: str,
        *,
        forces: str | None = None,
        energy: str | None = None,
        stress: str | None = None,
        needed: bool = True,
    ) -> tuple[Keys, list[str]]:
        """Return the names of labels, those that are declared or those that can only be meant, with notes.

        Parameters
        ----------
        table
            What the structures have.
        name
            What reports call the file.
        forces, energy, stress
            What the caller declares.
        needed
            Whether a file without forces is refused.

        Raises
        ------
        InputError
            A declared name is not in the file, several may be meant, or forces are needed and missing.
        """
        of_atoms, whole = table.names(of_atoms=True), table.names(of_atoms=False)
        if forces is not None:
            _check_there("forces", forces, of_atoms, name)
        if energy is not None:
            _check_there("energy", energy, whole, name)
        if stress is not None:
            _check_there("stress", stress, whole, name)
        notes: list[str] = []
        chosen = forces or _meant("forces", of_atoms, name, notes, family="")
        if chosen is None and needed:
            raise InputError(_without_forces(table, name, of_atoms, whole))
        family = "" if chosen is None else _family(chosen, "forces")
        return cls(
            chosen,
            energy or _meant("energy", whole, name, notes, family=family),
            stress or _meant("stress", whole, name, notes, family=family),
        ), notes


def _check_there(what: str, key: str, names: list[str], name: str) -> None:
    if key not in names:
        there = ", ".join(names) or "none"
        kind = "one value for each atom" if what == "forces" else "one value for each structure"
        raise InputError(
            f"{name}: {_OPTIONS[what]}={key!r} is not in it: expected a name with {kind}, of which it has {there}."
        )


def _without_forces(table: Table, name: str, of_atoms: list[str], whole: list[str]) -> str:
    has = ", ".join([*of_atoms, *whole]) or "positions alone"
    predicted = [key for key in of_atoms if _model(key) and _stem(key, "forces")]
    hint = (
        f"; {predicted[0]} look like a model's prediction, which is no label: if they are, name them with "
        f"forces_key={predicted[0]!r}"
        if predicted
        else "; name another array with forces_key"
        if of_atoms
        else "; VASP writes forces into vasprun.xml and OUTCAR, so give one of them"
        if name.rpartition("/")[2].startswith(("POSCAR", "CONTCAR", "XDATCAR"))
        else ", so give a file that has them"
    )
    if {"i", "time", "E"} <= set(whole):
        hint = "; CP2K writes forces into a file of their own, so put NAME-frc-1.xyz beside NAME-pos-1.xyz"
    return f"{name}: frame 0 has no forces (it has {has}): expected an array named 'forces'{hint}."


def _stem(key: str, what: str) -> bool:
    words = key.lower().replace("-", "_").split("_")
    return words[-1] in _STEMS[what]


def _model(key: str) -> bool:
    words = key.lower().replace("-", "_").split("_")
    return any(word in _MODELS or word.startswith(("mace", "nequip", "pred")) for word in words)


def _family(key: str, what: str) -> str:
    """Prefix of a name: ``ref`` of ``REF_forces``."""
    words = key.lower().replace("-", "_").split("_")
    return "_".join(words[:-1]) if words[-1] in _STEMS[what] else ""


def _candidate(key: str, what: str) -> bool:
    if not _stem(key, what) or _model(key):
        return False
    family = _family(key, what).split("_")
    return family == [""] or family[0] in _PREFIXES or (what == "energy" and family == ["free"])


def _meant(what: str, names: list[str], name: str, notes: list[str], *, family: str) -> str | None:
    """Return the one name that can be meant: the plain one, else that of the forces' family, else the only other."""
    plain = _STEMS[what][0]
    candidates = [key for key in names if _candidate(key, what)]
    alike = [key for key in candidates if family and _family(key, what) == family]
    if alike:
        chosen = alike[0]
    elif plain in candidates:
        others = [key for key in candidates if key != plain and _family(key, what) not in {"free", ""}]
        if others:
            notes.append(
                f"its {plain} are used, not its {', '.join(others)}; {_OPTIONS[what]} takes others"
                if what == "forces"
                else f"its {plain} is used, not its {', '.join(others)}; {_OPTIONS[what]} takes another"
            )
        return plain
    elif not candidates:
        return None
    else:
        serious = [key for key in candidates if _family(key, what) != "free"] or candidates
        if len(serious) > 1:
            raise InputError(
                f"{name}: several of its names may be the {what}: {', '.join(serious)}: expected one, so name it with "
                f"{_OPTIONS[what]}, for example {_OPTIONS[what]}={serious[0]!r}."
            )
        chosen = serious[0]
    if chosen != plain:
        notes.append(f"its {what} {'are' if what == 'forces' else 'is'} called {chosen}")
        if chosen.lower().rpartition("_")[2].startswith("virial"):
            notes.append(f"stress is -{chosen} / volume")
    return chosen


# ------------------------------------------------------------------------------------------------- one structure


@dataclass(frozen=True)
class Labels:
    """Labels of one structure in the units of its file; None where it has none.

    Attributes
    ----------
    forces : (A, 3) float array or None
        Forces.
    energy : float or None
        Energy.
    stress : (6,) float array or None
        Stress in Voigt order xx, yy, zz, yz, xz, xy, with ASE's sign.
    """

    forces: NDArray[np.float64] | None
    energy: float | None
    stress: NDArray[np.float64] | None


def labels_of(image: Atoms, keys: Keys, place: str) -> Labels:
    """Return the labels of an image; ``place`` names it in errors.

    Raises
    ------
    InputError
        One has the wrong shape or is no number.
    """
    results: Mapping[str, Any] = results_of(image)
    forces = energy = stress = None
    if keys.forces is not None:
        value = results.get(keys.forces, image.arrays.get(keys.forces))
        forces = None if value is None else _array(value, (len(image), 3), keys.forces, place)
    if keys.energy is not None:
        value = results.get(keys.energy, image.info.get(keys.energy))
        energy = None if value is None else float(_array(np.reshape(value, -1), (1,), keys.energy, place)[0])
    if keys.stress is not None:
        value = results.get(keys.stress, image.info.get(keys.stress))
        if value is not None:
            stress = _voigt(value, keys.stress, place)
            if keys.stress.lower().rpartition("_")[2].startswith("virial"):
                volume = abs(float(np.linalg.det(image.cell.array)))
                stress = -stress / volume if volume > 0 else None
    return Labels(forces, energy, stress)


def _array(values: Any, shape: tuple[int, ...], key: str, place: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{place}: its {key} are no numbers: expected shape {shape}.") from error
    if array.shape != shape:
        raise InputError(f"{place}: its {key} have shape {array.shape}: expected {shape}.")
    return array


def _voigt(values: Any, key: str, place: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{place}: its {key} are no numbers: expected six or nine.") from error
    if array.size == 9:
        full = array.reshape(3, 3)
        full = (full + full.T) / 2
        array = full[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    if array.shape != (6,):
        raise InputError(f"{place}: its {key} have shape {array.shape}: expected six or nine numbers.")
    return array
