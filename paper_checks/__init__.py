"""spectral_ceilings.paper_checks."""
