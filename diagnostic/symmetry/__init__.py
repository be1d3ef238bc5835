"""How symmetric any calculator is, what averaging over rotations leaves, and models without symmetry.

Enters: an ASE calculator and structures. Leaves: E_rot and F_rot by degree l with errors, remedies with their cost.
"""
