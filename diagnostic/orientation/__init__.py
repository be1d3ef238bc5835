"""Where molecules point: perceived molecules and their axes, fields of one known l, signed coefficients, what they predict.

Enters: atoms, an ASE calculator. Leaves: coefficients by l, m, m', and the orientations that they predict.
"""
