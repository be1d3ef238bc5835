"""The page "Your own model": its table is that of the backbones that ship."""

import importlib.util
from pathlib import Path

from spectral_ceilings.diagnostic.backbones.checkpoint import embedded_names

_DOCS = Path(__file__).parents[2] / "docs"


def test_the_table_holds_every_backbone_that_ships() -> None:
    """After a file was added to the assets: ``python docs/computed.py docs/your-own-model.md``."""
    spec = importlib.util.spec_from_file_location("computed", _DOCS / "computed.py")
    assert spec is not None
    assert spec.loader is not None
    computed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(computed)
    text = (_DOCS / "your-own-model.md").read_text(encoding="utf-8")
    assert computed.fill(text) == text
    assert all(f"| `{name}` |" in text for name in embedded_names())
