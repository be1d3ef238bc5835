"""The page and the figures of a diagnosis.

Enters: the content of ``result.json``. Leaves: ``report.html`` and ``figures/``. Measures nothing.
"""
