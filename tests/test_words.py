"""One word for one thing: the terms of docs/glossary.md in every sentence that a user reads; names that say what they hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("theory", "numerics", "diagnostic", "paper_checks", "sweeps", "cli")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TEMPLATES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.j2"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

#: What the glossary replaces, and by what. A degree is a polynomial's and nothing else's.
FORBIDDEN = {
    r"\bgrades?\b": "l",
    r"\bangular degrees?\b": "l, or angular frequency where a page introduces it",
    r"(?<!angular )\bfrequenc(y|ies)\b": "l, or angular frequency where a page introduces it",
    r"\bangular frequencies\b": "every l",
    r"(?<!polynomial of )(?<!polynomials of )\bdegrees? (\$|\\\()?([lLℓ]\b|\\ell)": "l, or L",
    r"\bby degree\b": "by l, for every l",
    r"\b(harmonics?|fields?|features?|matrix|matrices) of (spherical )?degree\b": "with l",
    r"\b(harmonics?|fields?|features?) of (a )?(higher|lower|high|low) degree\b": "with a higher l",
    r"\bquadratures? of degree\b": "quadrature exact to degree",
    r"\b(feature|irrep|lower|higher|low|high) degrees\b": "every l",
}  # fmt: skip

#: Sentences that keep such a word, each with its reason.
ALLOWED = {
    "Y_lm is a polynomial of degree l in x, y and z": "the degree of a polynomial in x, y, z",
    "Y_lm restricts a polynomial of degree l": "the degree of a polynomial in x, y, z",
    "the paper's own *degree* and *grade* are our $l$": "says what the paper's words mean",
}

#: Names of variables that say nothing of what they hold.
EMPTY_NAMES = {"found", "one", "own", "here", "behind", "ways"}
#: Where such a name is public, with the reason.
KEPT_NAMES = {("diagnostic/readouts/equivariant.py", "own"): "a part's name in saved cells, with 'shared'"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def docstrings(tree: ast.Module) -> set[int]:
    """The identities of the docstrings of a module."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, owners) and node.body and isinstance(node.body[0], ast.Expr)
    }


def sentences(path: Path) -> Iterator[tuple[int, str]]:
    """Strings with a space, f-strings with ``{}`` for what is put in; docstrings where they are the help of a command."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = set() if path.parent.name == "cli" else docstrings(tree)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in hidden | parts
        ):
            text = node.value
        else:
            continue
        if " " in text.strip():
            yield node.lineno, " ".join(text.split())


def prose(path: Path) -> str:
    """What a page says in our words: of the changelog what is not released, of the claims' page not the paper's claims."""
    text = path.read_text(encoding="utf-8")
    if path.name == "CHANGELOG.md":
        text = text.partition("## [Unreleased]")[2].partition("\n## [")[0]
    return re.sub(r"<!-- computed: claims -->.*?<!-- end -->", "", text, flags=re.DOTALL)


def misused(text: str) -> list[str]:
    """Every forbidden word of a text, with a few words around it and what to write instead."""
    text = " ".join(text.split())
    for sentence in ALLOWED:
        text = text.replace(sentence, "")
    return [
        f"...{text[max(0, match.start() - 40) : match.end() + 40]}...: write {instead}"
        for pattern, instead in FORBIDDEN.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_sentences_of_the_library_keep_to_the_glossary(path):
    wrong = [f"line {line}: {words}" for line, text in sentences(path) for words in misused(text)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", [*TEMPLATES, *PAGES], ids=relative)
def test_pages_keep_to_the_glossary(path):
    wrong = misused(prose(path))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_variables_are_called_by_what_they_hold(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    stored = {
        (n.lineno, n.id) for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    bound = {(n.lineno, n.arg) for n in ast.walk(tree) if isinstance(n, ast.arg)}
    empty = [
        f"line {line}: {name}"
        for line, name in sorted(stored | bound)
        if name in EMPTY_NAMES and (relative(path), name) not in KEPT_NAMES
    ]
    assert not empty, "\n".join(empty)


def test_what_is_allowed_is_still_said():
    everything = " ".join(
        [text for path in SOURCES for _, text in sentences(path)]
        + [" ".join(prose(path).split()) for path in PAGES]
    )
    assert [sentence for sentence in ALLOWED if sentence not in everything] == []


@pytest.mark.parametrize(
    "text",
    [
        "the field has two grades",
        "harmonics of degree 3",
        "an angular degree",
        "a recovered frequency",
        "features of degree $L$",
        "deviation by degree",
        "a quadrature of degree 7",
    ],
)
def test_a_wrong_word_is_seen(text):
    assert misused(text)


@pytest.mark.parametrize(
    "text",
    [
        "a readout of degree 2",
        "the angular frequency l",
        "polynomials of degree $d$",
        "7 degrees of freedom",
        "the harmonics Y_lm",
    ],
)
def test_a_right_word_passes(text):
    assert not misused(text)
