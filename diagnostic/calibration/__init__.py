"""Calibration: numbers that an implementation must show, and networks trained where the answer is 0 or 1.

Enters: settings only; every field is synthetic. Leaves: tables beside theory, figures and a page.
"""
