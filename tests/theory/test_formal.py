"""The machine-checked proof: it compiles without axioms, false statements are refused, and what is shown is what Coq reads."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spectral_ceilings.cli.app import build_app
from spectral_ceilings.theory import (
    InputError,
    check_formal_proof,
    coq_installed,
    formal_files,
    formal_proof,
    formal_statements,
)
from spectral_ceilings.theory.formal_certificates import certificates_file

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "theory" / "formal"
PAGE = ROOT / "docs" / "machine-checked-proof.md"
STATEMENTS = formal_statements()
THEOREMS = {f"{one.file.removesuffix('.v')}.{one.name}" for one in STATEMENTS if one.theorem}
CLOSED = "Closed under the global context"

HEADER = """
From mathcomp Require Import all_ssreflect all_algebra.
From SsrMultinomials Require Import mpoly.
From Ceilings Require Import Sphere Span Sharpness.
Import GRing.Theory.
Local Open Scope ring_scope.
"""


def script(*arguments: str | Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ if path is None else os.environ | {"PATH": path}
    bash = shutil.which("bash")
    assert bash
    return subprocess.run(
        [bash, *arguments], capture_output=True, text=True, check=False, env=environment, timeout=600
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled files, with what the check printed."""
    folder = tmp_path_factory.mktemp("formal")
    done = script(FOLDER / "check.sh", folder)
    if done.returncode == 2:
        reason = done.stderr.strip()
        if os.environ.get("SPECTRAL_CEILINGS_REQUIRE_COQ"):
            pytest.fail(reason)
        pytest.skip(reason)
    (folder / "printed.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def coq(folder: Path, text: str, header: str = HEADER) -> subprocess.CompletedProcess[str]:
    """Compile a text that uses the compiled files."""
    (folder / "Trial.v").write_text(header + text, encoding="utf-8")
    return subprocess.run(
        ["coqc", "-q", "-w", "none", "-R", folder, "Ceilings", folder / "Trial.v"],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip


def test_every_theorem_is_checked_and_rests_on_no_axiom(built: Path) -> None:
    printed = (built / "printed.txt").read_text(encoding="utf-8").splitlines()
    closed = {line.partition(":")[0] for line in printed if line.endswith(CLOSED)}
    proved = {
        f"{path.stem}.{name}"
        for path in formal_files()
        for name in re.findall(r"^Theorem (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert closed == proved == THEOREMS
    assert printed[-1] == f"{len(THEOREMS)} theorems, no axioms"


# The same proof for a true statement and for a false one: what differs is the number alone.
EQUALITY = """Theorem claim (F : realFieldType) L d : (0 < d * L)%N -> same (P L d) (@A F {}).
Proof. by move=> _; apply/only_ceiling. Qed."""
SUPERSET = (
    "Theorem claim (F : realFieldType) L d f : @A F {} f -> P L d f.\nProof. by move/span_theorem. Qed."
)


@pytest.mark.parametrize("claim", [EQUALITY, SUPERSET], ids=["equality", "superset"])
def test_the_true_statement_is_accepted(built: Path, claim: str) -> None:
    done = coq(built, claim.format("(d * L)"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("claim", "number"),
    [(EQUALITY, "(d * L).-1"), (EQUALITY, "(d * L).+1"), (EQUALITY, "(d + L)"), (SUPERSET, "(d * L).+1")],
)
def test_a_false_statement_is_refused(built: Path, claim: str, number: str) -> None:
    done = coq(built, claim.format(number))
    assert done.returncode == 1
    assert "Error" in done.stderr


@pytest.mark.parametrize(
    "refutation",
    [
        # The negations of what is refused above: not only does that script fail, no script can succeed.
        "Goal forall (F : realFieldType), ~ (forall L d, (0 < d * L)%N -> same (P L d) (@A F (d * L).-1)).\n"
        "Proof. by move=> F /(_ 1%N 1%N isT); apply: not_below. Qed.",
        "Goal forall (F : realFieldType) L d, (0 < d * L)%N -> ~ same (P L d) (@A F (d * L).-1).\n"
        "Proof. exact: not_below. Qed.",
        "Goal forall (F : realFieldType) L d, ~ (forall f, @A F (d * L).+1 f -> P L d f).\n"
        "Proof. exact: not_above. Qed.",
    ],
    ids=["below", "below, for every pair", "above"],
)
def test_the_negation_of_a_false_statement_is_proved(built: Path, refutation: str) -> None:
    done = coq(built, refutation)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("addition", "finding"),
    [
        ("Theorem cheat : False.\nProof. Admitted.", "a proof must not be left out"),
        ("Axiom cheat : False.", "a proof must not be left out"),
        ("From Coq Require Import Classical.\nTheorem cheat (A : Prop) : A \\/ ~ A.\nProof. exact: classic. Qed.", "classic"),
        ("Theorem cheat : False.\nProof. by []. Qed.", "DOES NOT COMPILE"),
    ],
)  # fmt: skip
def test_the_check_sees_what_is_left_out_or_assumed(
    built: Path, tmp_path: Path, addition: str, finding: str
) -> None:
    del built  # skips where Coq is not
    shutil.copy(FOLDER / "check.sh", tmp_path)
    (tmp_path / "_CoqProject").write_text("-R . Ceilings\nSphere.v\n", encoding="utf-8")
    text = (FOLDER / "Sphere.v").read_text(encoding="utf-8")
    (tmp_path / "Sphere.v").write_text(f"{text}\n{addition}\n", encoding="utf-8")
    done = script(tmp_path / "check.sh")
    assert done.returncode == 1
    assert finding in done.stdout + done.stderr


def test_without_coq_the_check_says_what_to_install(tmp_path: Path) -> None:
    for name in ("dirname", "mktemp", "rm"):
        program = shutil.which(name)
        assert program
        (tmp_path / name).symlink_to(program)
    done = script(FOLDER / "check.sh", path=str(tmp_path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(
        r"coqc is not on this machine: install Coq 8\.16 [^\n]*libcoq-mathcomp-multinomials'\n", done.stderr
    )


def test_the_command_says_what_each_part_proves(monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.loads(CliRunner().invoke(build_app(), ["theory", "proof", "--json"]).output)
    assert {one["name"] for one in data["coq"]["statements"]} == {one.name for one in STATEMENTS}
    assert data["coq"]["installed"] is coq_installed()
    assert data["coq"]["check"] is None
    assert all((ROOT / one["file"]).is_file() for one in data["coq"]["statements"])
    assert len(data["steps"]) == 6
    assert data["paper"]
    monkeypatch.setenv("PATH", "")
    assert "Coq is not on this machine" in CliRunner().invoke(build_app(), ["theory", "proof"]).output


@pytest.mark.parametrize(("proof", "status"), [("by []. Qed.", 0), ("exact: I. Qed.", 1)])
def test_the_command_checks(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proof: str, status: int
) -> None:
    del built  # skips where Coq is not
    shutil.copy(FOLDER / "check.sh", tmp_path)
    (tmp_path / "_CoqProject").write_text("-R . Ceilings\nSmall.v\n", encoding="utf-8")
    text = f"From mathcomp Require Import all_ssreflect.\nTheorem small : 1 + 1 = 2.\nProof. {proof}\n"
    (tmp_path / "Small.v").write_text(text, encoding="utf-8")
    monkeypatch.setattr(formal_proof, "_FOLDER", tmp_path)
    result = CliRunner().invoke(build_app(), ["theory", "proof", "--check", "--json"])
    assert result.exit_code == status
    check = json.loads(result.stdout)["coq"]["check"]
    assert check["holds"] is (status == 0)
    assert check["without_axioms"] == (["Small.small"] if status == 0 else [])


def test_the_command_without_coq_is_wrong_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "check.sh").write_text("echo 'install Coq' >&2; exit 2\n", encoding="utf-8")
    monkeypatch.setattr(formal_proof, "_FOLDER", tmp_path)
    with pytest.raises(InputError, match=r"^install Coq$"):
        check_formal_proof()


def test_the_page_shows_the_text_that_coq_compiles() -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = re.findall(
        r"^\*\*`(\w+)`\*\* \(`(\w+\.v)`\): ([^\n]*)\n\n```coq\n(.*?)\n```$", page, re.DOTALL | re.MULTILINE
    )
    assert sorted(shown) == sorted((one.name, one.file, one.words, one.formal) for one in STATEMENTS)


def test_the_compiled_files_are_nowhere_in_the_source() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {
        "_CoqProject",
        "check.sh",
        *(p.name for p in formal_files()),
    }


def test_writing_the_numbers_again_gives_the_committed_file() -> None:
    committed = (FOLDER / "Certificates.v").read_text(encoding="utf-8")
    assert certificates_file() == committed, "run: python -m spectral_ceilings.theory.formal_certificates"


@pytest.mark.parametrize(
    ("holds", "fails"),
    [
        ("step_holds (Step 1 1 (6, 5) (2, 3))", "step_holds (Step 1 1 (5, 6) (2, 3))"),
        ("step_holds (Step 1 1 (6, 5) (2, 3))", "step_holds (Step 1 1 (6, 5) (-2, 3))"),
        ("counts_hold (Counts 2 2 [3; 2; 4; 1; 1])", "counts_hold (Counts 2 2 [3; 2; 4; 2; 1])"),
        ("rank_holds 10007 harmonics sphere_points 2 1", "rank_holds 10007 (tl harmonics) sphere_points 2 1"),
        # Twice the same point: no rank of (dL+1)^2 at fewer points.
        (
            "rank_holds 10007 harmonics sphere_points 1 1",
            "rank_holds 10007 harmonics (hd (0, 0, 1, 1) sphere_points :: sphere_points) 1 1",
        ),
    ],
)
def test_coq_computes_that_a_wrong_number_is_wrong(built: Path, holds: str, fails: str) -> None:
    text = (
        "From Coq Require Import ZArith List.\nFrom Ceilings Require Import Computation Certificates.\n"
        f"Import ListNotations.\nOpen Scope Z_scope.\nGoal {holds} = true /\\ {fails} = false.\n"
        "Proof. split; vm_compute; reflexivity. Qed."
    )
    done = coq(built, text, header="")
    assert done.returncode == 0, done.stderr
