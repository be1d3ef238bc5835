"""Units of energy, length and force that a data file may use."""

from __future__ import annotations

from dataclasses import dataclass

from ase import units as ase_units

from ...theory.errors import InputError

#: One unit of energy in eV.
ENERGY = {
    "eV": 1.0,
    "meV": 1e-3,
    "kcal/mol": ase_units.kcal / ase_units.mol,
    "kJ/mol": ase_units.kJ / ase_units.mol,
    "hartree": ase_units.Hartree,
    "mhartree": 1e-3 * ase_units.Hartree,
    "Ry": ase_units.Rydberg,
}
#: One unit of length in Å.
LENGTH = {"Å": 1.0, "nm": 10.0, "pm": 0.01, "bohr": ase_units.Bohr}

_SPELLINGS = (
    {name.lower(): name for name in ENERGY}
    | {name.lower(): name for name in LENGTH}
    | {"a": "Å", "å": "Å", "ang": "Å", "angstrom": "Å", "ångström": "Å", "ha": "hartree", "eh": "hartree"}
    | {"a.u.": "hartree", "a0": "bohr", "au": "hartree", "mha": "mhartree", "rydberg": "Ry"}
    | {"kcal": "kcal/mol", "kj": "kJ/mol"}
)


@dataclass(frozen=True)
class Units:
    """Units of energy, length and force by name; forces are in energy / length where nothing else is said.

    Attributes
    ----------
    energy : str
        A key of `ENERGY`.
    length : str
        A key of `LENGTH`: that of the positions.
    force_energy, force_length : str
        Forces are in force_energy / force_length; empty: those of energies and positions.
    """

    energy: str
    length: str = "Å"
    force_energy: str = ""
    force_length: str = ""

    @property
    def energy_factor(self) -> float:
        """Multiply energies by this to get eV."""
        return ENERGY[self.energy]

    @property
    def length_factor(self) -> float:
        """Multiply positions by this to get Å."""
        return LENGTH[self.length]

    @property
    def force_factor(self) -> float:
        """Multiply forces by this to get eV/Å."""
        return ENERGY[self.force_energy or self.energy] / LENGTH[self.force_length or self.length]

    @property
    def force(self) -> str:
        """The unit of force, for example ``hartree/bohr``."""
        return f"{self.force_energy or self.energy}/{self.force_length or self.length}"

    @property
    def coherent(self) -> bool:
        """Whether forces are in the unit of energy over the unit of length."""
        return self.force == f"{self.energy}/{self.length}"

    @property
    def declaration(self) -> str:
        """The arguments that declare these units, for example ``units='hartree', force_units='hartree/bohr'``."""
        length = "" if self.length == "Å" else f",{self.length}"
        force = "" if self.coherent else f", force_units='{self.force}'"
        return f"units='{self.energy}{length}'{force}"

    def __str__(self) -> str:
        if self.coherent:
            return f"{self.energy} and {self.length}"
        return f"{self.energy}, {self.length} and {self.force}"


#: The units of this package.
EV_AND_ANGSTROM = Units("eV")


def parse_units(text: str, force: str | None = None, length: str | None = None) -> Units:
    """Read ``ENERGY`` or ``ENERGY,LENGTH``, e.g. ``kcal/mol`` or ``hartree,bohr`` (length Å if left out).

    Parameters
    ----------
    text
        Energy and, after a comma, length.
    force
        ``ENERGY/LENGTH`` of the forces, e.g. ``hartree/bohr`` or ``kcal/mol/Å``; None: energy over length of ``text``.
    length
        Length of the positions, where ``text`` does not say it.

    Raises
    ------
    InputError
        If a name is not known, or two lengths contradict each other.
    """
    names = [part.strip() for part in text.split(",")]
    known = [_SPELLINGS.get(name.lower(), "") for name in names]
    energy = known[0] if names[0].lower() not in {"kcal", "kj"} else ""
    said = known[1] if len(known) == 2 else "Å"
    if energy not in ENERGY or said not in LENGTH or len(known) > 2:
        raise InputError(
            f"units are {text!r}: expected an energy ({', '.join(ENERGY)}), with a length after a comma "
            f"({', '.join(LENGTH)}) unless it is Å; for example 'kcal/mol' or 'hartree,bohr'."
        )
    if length is not None:
        declared = _SPELLINGS.get(length.strip().lower(), "")
        if declared not in LENGTH:
            raise InputError(
                f"length_units={length!r} is no length: expected one of {', '.join(LENGTH)}, for example 'bohr'."
            )
        if len(known) == 2 and declared != said:
            raise InputError(
                f"units={text!r} say {said} and length_units={length!r} says otherwise: give the length once."
            )
        said = declared
    forced = ("", "") if force is None else _force(force)
    return Units(energy, said) if forced == (energy, said) else Units(energy, said, *forced)


def _force(text: str) -> tuple[str, str]:
    """Energy and length of a unit of force."""
    energy, slash, length = text.strip().rpartition("/")
    if text.strip().lower() in {"a.u.", "au"}:
        return "hartree", "bohr"
    names = _SPELLINGS.get(energy.strip().lower(), ""), _SPELLINGS.get(length.strip().lower(), "")
    if not slash or names[0] not in ENERGY or names[1] not in LENGTH:
        raise InputError(
            f"force_units={text!r} is no unit of force: expected an energy ({', '.join(ENERGY)}) over a length "
            f"({', '.join(LENGTH)}), for example 'eV/Å', 'hartree/bohr' or 'kcal/mol/Å'."
        )
    return names


def _combinations(*rows: str) -> tuple[Units, ...]:
    return tuple(parse_units(energy, force) for energy, _, force in (row.partition(" ") for row in rows))


#: Units of energy, length and force as programs and data sets have them, the usual ones first: ASE and VASP; rMD17,
#: AMBER and LAMMPS' real units; quantum chemistry (hartree/bohr, positions in Å or bohr); GROMACS and OpenMM; Quantum
#: ESPRESSO; then mixtures that converted files have.
COMBINATIONS = _combinations(
    "eV eV/Å", "kcal/mol kcal/mol/Å", "hartree hartree/bohr", "hartree,bohr hartree/bohr", "hartree hartree/Å",
    "kJ/mol kJ/mol/Å", "kJ/mol,nm kJ/mol/nm", "kJ/mol kJ/mol/nm", "eV hartree/bohr", "kcal/mol hartree/bohr",
    "hartree eV/Å", "eV kcal/mol/Å", "kcal/mol eV/Å", "hartree kcal/mol/Å", "Ry,bohr Ry/bohr", "Ry Ry/bohr", "eV Ry/bohr",
    "Ry Ry/Å", "meV meV/Å", "eV meV/Å", "mhartree mhartree/bohr", "mhartree mhartree/Å", "eV eV/bohr", "eV,bohr eV/bohr",
    "eV,nm eV/nm", "kcal/mol kcal/mol/bohr", "kJ/mol eV/Å", "eV kJ/mol/Å", "kJ/mol kcal/mol/Å", "kcal/mol kJ/mol/Å",
    "hartree hartree/nm", "kJ/mol hartree/bohr", "hartree kJ/mol/Å", "eV,bohr eV/Å", "eV,nm eV/Å", "kcal/mol,bohr kcal/mol/bohr",
    "kcal/mol,bohr kcal/mol/Å", "kcal/mol,nm kcal/mol/nm", "kcal/mol,nm kcal/mol/Å", "hartree,bohr hartree/Å",
    "kJ/mol,bohr kJ/mol/bohr",
    "eV,bohr hartree/bohr", "eV,pm eV/pm", "eV,pm eV/Å",
)  # fmt: skip
