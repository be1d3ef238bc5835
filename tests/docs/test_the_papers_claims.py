"""The page of the paper's claims holds the registry as it is."""

import importlib.util
from pathlib import Path

from spectral_ceilings.paper_checks import claims

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_has_every_claim_with_its_criterion() -> None:
    specification = importlib.util.spec_from_file_location("computed", DOCS / "computed.py")
    assert specification is not None
    assert specification.loader is not None
    computed = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(computed)
    page = (DOCS / "the-papers-claims.md").read_text(encoding="utf-8")
    assert computed.fill(page) == page, "run: python docs/computed.py docs/the-papers-claims.md"
    for claim in claims():
        assert f"| `{claim.id}` |" in page
        assert f"ceilings paper --only {claim.id} " in page
