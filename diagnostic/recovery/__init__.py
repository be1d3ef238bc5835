"""The statistics: sums of squared errors frame by frame, resampled into R2, rho, gains and exact tests.

Enters: ``ErrorSums`` of held-out frames. Leaves: values with intervals and p-values. Knows nothing of how they were fitted.
"""
