"""Learning curves: what limits the height below the ceiling, by features, coefficients, frames and rotations.

Enters: frames and a backbone. Leaves: R2 against each resource, and a sentence about what limits.
"""
