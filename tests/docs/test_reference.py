"""The reference has everything that a package exports."""

import importlib
import re
from pathlib import Path

import pytest

API = Path(__file__).parents[2] / "docs" / "api"
#: The tables of constants of all pages.
CONSTANTS = "\n".join(page.read_text(encoding="utf-8") for page in API.glob("*.md"))


def documented() -> dict[str, list[str] | None]:
    """Return module -> members that a page lists, None for all of them."""
    found: dict[str, list[str] | None] = {}
    for page in API.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for block in re.finditer(r"^::: (?P<module>\S+)\n(?P<options>(?: .*\n)*)", text, re.MULTILINE):
            members = re.search(r"members: \[(.*)\]", block["options"])
            assert block["module"] not in found, f"{block['module']} stands on two pages"
            found[block["module"]] = None if members is None else re.findall(r"\w+", members[1])
    return found


@pytest.mark.parametrize("package", ["theory", "numerics", "diagnostic", "paper_checks", "sweeps"])
def test_every_exported_name_is_documented(package: str) -> None:
    pages = documented()
    face = importlib.import_module(f"spectral_ceilings.{package}")
    for name in face.__all__:
        if package == "diagnostic" and name.isupper():  # a constant is told with its value
            assert f"| `{name}` |" in CONSTANTS, f"{package}.{name}"
            continue
        home = getattr(getattr(face, name), "__module__", "")
        places = {face.__name__, home if str(home).startswith("spectral_ceilings.") else face.__name__}
        listed = [pages[place] for place in places if place in pages]
        assert any(members is None or name in members for members in listed), f"{package}.{name}"


def test_what_is_documented_exists() -> None:
    for module, members in documented().items():
        imported = importlib.import_module(module)
        for name in members or ():
            assert hasattr(imported, name), f"{module}.{name}"
