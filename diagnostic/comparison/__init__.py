"""Finished diagnoses side by side: seeds, architectures, molecules.

Enters: run directories. Leaves: intervals over backbones, exact tests, the cliff ratio, a page.
"""
