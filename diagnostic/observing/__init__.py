"""The job of observables: which are wrong in a model that breaks a symmetry, by how much, and what cures them.

Enters: a model, a structure, settings. Leaves: observables, predictions, cures with their cost, verdicts, a page.
"""
