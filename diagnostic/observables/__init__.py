"""What a simulation measures: orientations, torques, drift, distances, correlations, spectra, each with its statistical error.

Enters: a ``Trajectory``, molecules. Leaves: rows of plain data with errors, beside the isotropic answer where it is exact.
"""
