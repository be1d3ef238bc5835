"""Polynomials of bounded degree of frozen features: free, equivariant, and trained networks; ridge in closed form.

Enters: blocks of features, signals, orientations. Leaves: ``ErrorSums`` for every l, and the number of coefficients.
"""
