"""Molecular dynamics that can be killed and resumed: ensembles, cures of a broken symmetry, drivers, trajectories on disk.

Enters: atoms, an ASE calculator, settings. Leaves: a ``Trajectory``, the same to the last bit whether it was interrupted or not.
"""
