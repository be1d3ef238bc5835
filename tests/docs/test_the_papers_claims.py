"""The page of the paper's claims holds the registry as it is."""

import importlib.util
import re
from collections import Counter
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


def test_the_verdicts_that_the_page_counts_are_those_of_its_table_which_has_every_claim() -> None:
    page = (DOCS / "the-papers-claims.md").read_text(encoding="utf-8")
    results = page.split("## What came out")[1].split("## The claims")[0]
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]+) \|", results, re.MULTILINE)
    assert [name for name, _ in rows] == [claim.id for claim in claims()]
    ours = {claim.id for claim in claims() if claim.ours}
    of_paper = Counter(verdict for name, verdict in rows if name not in ours)
    said = (
        f"Of the paper's {of_paper.total()} claims {of_paper['holds']} hold, "
        f"{of_paper['holds in direction, number differs']} hold in direction and "
        f"{of_paper['cannot be checked here']} cannot be checked."
    )
    assert said in results
    assert of_paper.total() == len(rows) - len(ours)
    must = {claim.id for claim in claims() if claim.must_hold}
    assert {verdict for name, verdict in rows if name in must} <= {
        "holds",
        "holds in direction, number differs",
    }
    assert {verdict for name, verdict in rows if name in ours} == {"holds"}
    assert f"no one run has made all {len(rows)} rows" in results
