"""Frames from a SMILES: RDKit builds the molecule, GFN2-xTB moves it, independent frames are kept.

Enters: a SMILES or a structure, a temperature, a seed. Leaves: files of frames that ``frames`` reads, with their record.
"""
