"""The audit of a backbone: rotation spectra of layers, random readouts and outputs; nothing is fitted.

Enters: frames and a backbone. Leaves: power by l, equivariance errors with bounds, verdicts against exact ceilings.
"""
