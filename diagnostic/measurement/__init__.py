"""The measurement of a diagnosis: settings, cells, rows, controls, verdicts, and the form of its result.

Enters: frames, a backbone, ``DiagnoseSettings``. Leaves: rows of the recovery table, and the verdict against the ceiling.
"""
