"""Frames of molecules: reading, units, checks, splits, orientations, and the neighbour that an atom can point at.

Enters: files of any format that ASE reads, or rMD17 and sGDML. Leaves: ``Frames`` (Å, eV, eV/Å), a ``Split``, ``Mark`` s.
"""
