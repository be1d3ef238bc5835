r"""The theorems that Coq checks: their statements, read off the files in ``formal/``, and the check itself.

A statement stands in its file between ``(* STATEMENT name: in words. *)`` and ``(* END *)``, so that what is shown to a reader is
what Coq compiles. ``formal/check.sh`` compiles the files with ``coqc`` and prints the axioms behind every theorem.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError

_FOLDER = Path(__file__).with_name("formal")
_STATEMENT = re.compile(
    r"^\(\* STATEMENT (?P<name>\w+): (?P<words>.*?) \*\)\n(?P<formal>.*?)\n\(\* END \*\)$",
    re.DOTALL | re.MULTILINE,
)

#: What rests on a proof on paper, with where that proof stands.
ON_PAPER: tuple[tuple[str, str], ...] = (
    (
        "irreducible",
        "H_l is irreducible under rotations and occurs once on the sphere: SymPy's steps and features that have some l only rest "
        "on it; Coq's theorems do not.",
    ),
    (
        "selection rule",
        "The product of H_a and H_b has a part in H_l exactly if |a-b| <= l <= a+b and a+b+l is even: this gives the closure "
        "C_d(S) for any set S of l.",
    ),
    (
        "many atoms",
        "Polynomials of degree <= d in equivariant features of l <= L have no rotation spectrum above dL, for any backbone and "
        "any molecule: the same count for Wigner matrices.",
    ),
    (
        "input side",
        "What an equivariant polynomial sees of one direction: the bound max over k of min(kL, (nu-k)L + l_out).",
    ),
)


@dataclass(frozen=True)
class FormalStatement:
    """One definition or theorem of the machine-checked proof.

    Attributes
    ----------
    name, words
        Its name in Coq and what it says, in a sentence.
    formal
        The text that Coq compiles, without the proof.
    file
        The file in ``theory/formal`` that holds it.
    theorem
        Whether it is proved; a definition says what the theorems speak of.
    """

    name: str
    words: str
    formal: str
    file: str
    theorem: bool


@dataclass(frozen=True)
class FormalCheck:
    """What ``formal/check.sh`` found.

    Attributes
    ----------
    holds
        Whether every file compiles and no theorem rests on an axiom.
    theorems
        The theorems that Coq calls closed under the global context, as File.name.
    output
        What was printed.
    """

    holds: bool
    theorems: tuple[str, ...]
    output: str


def formal_files() -> tuple[Path, ...]:
    """Return the files of the proof in the order in which Coq compiles them."""
    lines = (_FOLDER / "_CoqProject").read_text(encoding="utf-8").splitlines()
    return tuple(_FOLDER / line for line in lines if line.endswith(".v"))


def formal_statements() -> tuple[FormalStatement, ...]:
    """Return the definitions and theorems of the machine-checked proof, read off the files that Coq compiles.

    Examples
    --------
    >>> print(next(s.formal for s in formal_statements() if s.name == "span_theorem"))
    Theorem span_theorem L d : same (P L d) (@A F (d * L)).
    """
    return tuple(
        FormalStatement(
            match["name"],
            " ".join(match["words"].split()),
            match["formal"],
            path.name,
            match["formal"].startswith("Theorem "),
        )
        for path in formal_files()
        for match in _STATEMENT.finditer(path.read_text(encoding="utf-8"))
    )


def coq_installed() -> bool:
    """Whether ``coqc`` is on this machine."""
    return shutil.which("coqc") is not None


def check_formal_proof(timeout: int = 600) -> FormalCheck:
    """Compile the proof with ``coqc`` and list the axioms behind every theorem.

    Parameters
    ----------
    timeout
        Seconds after which the check is given up; it takes about a minute.

    Raises
    ------
    InputError
        If Coq or its library is not on this machine (the sentence says what to install), or it takes longer than `timeout`.
    """
    script = _FOLDER / "check.sh"
    try:
        done = subprocess.run(["bash", script], capture_output=True, text=True, timeout=timeout, check=False)
    except FileNotFoundError:
        raise InputError(f"bash is not on this machine: run what {script.name} says by hand") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"Coq took more than {timeout} s: give it more time, or a quieter machine") from None
    if done.returncode == 2:
        raise InputError(done.stderr.strip())
    closed = re.findall(r"^(\w+\.\w+): Closed under the global context$", done.stdout, re.MULTILINE)
    return FormalCheck(done.returncode == 0, tuple(closed), done.stdout + done.stderr)
