"""Injected force fields of known rotation grade, and the orientations at which frames are used.

Enters: frames and marks. Leaves: signals ``(frames, atoms, (l_top + 1)^2)`` and lab targets at Haar-random orientations.
"""
