"""spectral_ceilings.diagnostic."""
