"""The registries of claims: one readable file for each paper, read strictly."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from ..theory.errors import InputError

#: The paper whose claims are checked where no other is named.
MAIN_PAPER = "spectral-ceilings"
#: Papers by name, with the file that holds every claim and its criterion.
REGISTRIES = {
    MAIN_PAPER: Path(__file__).parent / "claims.toml",
    "scalar-pathway": Path(__file__).parent / "claims-scalar-pathway.toml",
    "broken-symmetry": Path(__file__).parent / "claims-broken-symmetry.toml",
}
#: The file of the first paper.
REGISTRY = REGISTRIES[MAIN_PAPER]
SCHEMA = "spectral-ceilings/claims/1"
#: Whose claim it may be.
ORIGINS = ("paper", "ours")


@dataclass(frozen=True)
class Claim:
    """One statement of the paper, or one of ours beside it, and how it is checked.

    Attributes
    ----------
    id
        Short name, for ``--only``.
    title
        The statement in one line.
    where
        Where it stands in the paper.
    statement
        What is claimed.
    paper_value
        The paper's number.
    must_hold
        Whether it is a theorem or the cliff itself, so that its failure is a failure of the run.
    procedure
        What is measured, and on what.
    criterion
        What decides the verdict; written before measuring, unless `caution` says otherwise.
    refuted_by
        What would refute the claim.
    check
        ``module:function`` under ``spectral_ceilings.paper_checks``.
    caution
        What makes the number depend on data or on a definition that is not known, and what of the data was known when the
        criterion was written; empty where there is nothing to say.
    origin
        ``paper``, or ``ours`` for a claim that the paper does not make.
    """

    id: str
    title: str
    where: str
    statement: str
    paper_value: str
    must_hold: bool
    procedure: str
    criterion: str
    refuted_by: str
    check: str
    caution: str = ""
    origin: str = "paper"

    @property
    def ours(self) -> bool:
        """Whether the paper does not make it."""
        return self.origin == "ours"

    def to_dict(self) -> dict[str, Any]:
        """Return the claim as JSON-ready data."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Paper:
    """A paper with its claims.

    Attributes
    ----------
    name
        Short name, for ``--paper``.
    title, arxiv
        Its title and its number at arXiv.
    available
        What of it is available to us, and what that leaves open.
    claims
        Its claims, and ours beside them.
    """

    name: str
    title: str
    arxiv: str
    available: str
    claims: tuple[Claim, ...]

    def head(self) -> dict[str, str]:
        """Return what a report says of the paper, without its claims."""
        return {"name": self.name, "title": self.title, "arxiv": self.arxiv}


def read_paper(path: Path, name: str) -> Paper:
    """Read the registry of a paper.

    Raises
    ------
    InputError
        As :func:`read_registry`; or the head of the file lacks title, arxiv or available.
    """
    claims = read_registry(path)
    head = tomllib.loads(path.read_text(encoding="utf-8"))
    parts = {}
    for key in ("title", "arxiv", "available"):
        if not isinstance(head.get(key), str) or not head[key]:
            raise InputError(f"{path.name} has {key} {head.get(key)!r}, expected a text")
        parts[key] = head[key]
    return Paper(name, **parts, claims=claims)


def read_registry(path: Path = REGISTRY) -> tuple[Claim, ...]:
    """Read every claim of a registry file.

    Raises
    ------
    InputError
        The file is no TOML, has another schema, or a claim lacks a field, has an unknown one, or repeats an id.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path.name} is not a readable registry of claims ({error})") from error
    if data.get("schema") != SCHEMA:
        raise InputError(f"{path.name} has schema {data.get('schema')!r}, expected {SCHEMA}")
    claims = []
    kinds = {field.name: bool if field.name == "must_hold" else str for field in fields(Claim)}
    for number, entry in enumerate(data.get("claim", [])):
        name = entry.get("id", f"number {number}")
        for key, value in entry.items():
            if key not in kinds:
                raise InputError(
                    f"claim {name} has an unknown field {key!r}, expected one of {', '.join(kinds)}"
                )
            if not isinstance(value, kinds[key]):
                raise InputError(f"claim {name}: {key} is {value!r}, expected a {kinds[key].__name__}")
        lacking = [key for key in kinds if key not in entry and key not in ("caution", "origin")]
        if lacking:
            raise InputError(f"claim {name} has no {lacking[0]!r}; write it down before measuring")
        if entry.get("origin", "paper") not in ORIGINS:
            raise InputError(
                f"claim {name}: origin is {entry['origin']!r}, expected one of {', '.join(ORIGINS)}"
            )
        claims.append(Claim(**entry))
    ids = [claim.id for claim in claims]
    if len(set(ids)) != len(ids) or not ids:
        raise InputError(f"{path.name} holds the ids {', '.join(ids)}, expected each once and at least one")
    return tuple(claims)


@cache
def paper(name: str = MAIN_PAPER) -> Paper:
    """Return a paper with its claims.

    Raises
    ------
    InputError
        There is no registry of that name.
    """
    if name not in REGISTRIES:
        raise InputError(f"no paper {name!r}; known papers are {', '.join(REGISTRIES)}")
    return read_paper(REGISTRIES[name], name)


def claims(name: str = MAIN_PAPER) -> tuple[Claim, ...]:
    """Return the claims of a paper, in the order of its registry.

    Raises
    ------
    InputError
        There is no registry of that name.
    """
    return paper(name).claims


def choose(only: Sequence[str] | None, name: str = MAIN_PAPER) -> tuple[Claim, ...]:
    """Return the claims of a paper with the given ids, in the registry's order; None: all of them.

    Raises
    ------
    InputError
        There is no such paper, or an id is not in its registry; a claim of another paper is said to be there.
    """
    every = claims(name)
    known = {claim.id: claim for claim in every}
    for wanted in only or ():
        if wanted not in known:
            elsewhere = [other for other in REGISTRIES if wanted in {claim.id for claim in claims(other)}]
            where = (
                f"it is a claim of --paper {elsewhere[0]}"
                if elsewhere
                else f"known claims are {', '.join(known)}"
            )
            whose = "" if name == MAIN_PAPER else f" of --paper {name}"
            raise InputError(f"no claim {wanted!r}{whose}; {where}")
    return tuple(claim for claim in every if only is None or claim.id in only)
