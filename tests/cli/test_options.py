"""What every command takes: choices in the help, lists with commas or repeated, model and frames in both forms."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import typer
import typer.main
from hypothesis import given
from hypothesis import strategies as st

from spectral_ceilings.cli import choices, options
from spectral_ceilings.cli.app import build_app
from spectral_ceilings.diagnostic.auditing.result import PARTS
from spectral_ceilings.diagnostic.backbones.checkpoint import EMBEDDED as MODEL
from spectral_ceilings.diagnostic.backbones.scalar_pathway import PATHWAYS
from spectral_ceilings.diagnostic.frames.reading import EMBEDDED as DATA
from spectral_ceilings.diagnostic.injection.fields import InjectionName
from spectral_ceilings.diagnostic.measurement.settings import NETWORK, READOUTS, DiagnoseSettings
from spectral_ceilings.theory.plateaus import DIRECTIONS

Run = Callable[..., Any]


def test_choices_and_defaults_are_those_of_the_library() -> None:
    assert get_args(InjectionName) == choices.INJECTIONS
    assert (*READOUTS, NETWORK) == choices.READOUTS
    assert choices.DIRECTIONS == DIRECTIONS
    assert choices.SCALAR_PATHWAY == PATHWAYS
    assert (*PARTS, "symmetry", "remedies") == choices.PARTS
    assert (options.MODEL, options.DATA) == (MODEL, DATA)
    plain = DiagnoseSettings()
    shown = shown_defaults("diagnose")
    for option, value in (
        ("--degrees", plain.degrees), ("--injection", plain.injections), ("--readout", plain.readouts),
        ("--direction", plain.directions), ("--l-top", plain.l_top),
            ("--rotations", f"{plain.rotations}, with --turned {DiagnoseSettings(turned=True).rotations}"),
        ("--bootstrap", plain.bootstrap), ("--strength", plain.strength), ("--seed", plain.seed),
    ):  # fmt: skip
        assert shown[option] == (",".join(map(str, value)) if isinstance(value, tuple) else value)


def commands(group: Any = None, name: str = "") -> Iterator[tuple[str, Any]]:
    group = typer.main.get_command(build_app()) if group is None else group
    for word, command in getattr(group, "commands", {}).items():
        yield f"{name} {word}".strip(), command
        yield from commands(command, f"{name} {word}".strip())


def shown_defaults(name: str) -> dict[str, Any]:
    command = dict(commands())[name]
    return {
        opt: parameter.show_default if isinstance(parameter.show_default, str) else parameter.default
        for parameter in command.params
        for opt in parameter.opts
    }


# -------------------- lists


names = st.sampled_from(choices.READOUTS)


@given(parts=st.lists(st.lists(names, min_size=1, max_size=3), min_size=1, max_size=3))
def test_commas_and_repetitions_are_the_same_list(parts: list[list[str]]) -> None:
    read = choices.several(choices.READOUTS, "--readout", help="").callback
    wanted = [name for part in parts for name in part]
    assert read([", ".join(part) for part in parts]) == wanted
    assert read(wanted) == wanted
    assert read([",".join(wanted)]) == wanted


@given(numbers=st.lists(st.integers(), min_size=1, max_size=4))
def test_integers_are_read_as_they_were_written(numbers: list[int]) -> None:
    read = choices.integers("--degrees", help="").callback
    assert choices.whole(read([",".join(map(str, numbers))])) == tuple(numbers)
    assert choices.whole(read(None)) is None


@given(text=st.text(max_size=12))
def test_any_other_text_is_refused_in_one_sentence(text: str) -> None:
    if {part.strip() for part in text.split(",")} <= set(choices.READOUTS):
        return
    with pytest.raises(typer.BadParameter, match=r"none of free, equivariant, network;|has an empty value;"):
        choices.several(choices.READOUTS, "--readout", help="").callback([text])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("diagnose", "--out", "x", "--injection", "densty"), "'densty' is none of marked, density; did you mean density?"),
        (("diagnose", "--out", "x", "--readout", "free,Equivariant"), "did you mean equivariant?"),
        (("diagnose", "--out", "x", "--direction", "solid,up"), "'up' is none of fixed, radial, gradient, solid; expected"),
        (("diagnose", "--out", "x", "--degrees", "1,,2"), "has an empty value"),
        (("diagnose", "--out", "x", "--degrees", "1.5"), "'1.5' is not an integer"),
        (("diagnose", "--out", "x", "--degrees", "1", "--degrees", "1"), "expected each at most once"),
        (("audit", "--out", "x", "--parts", "feature"), "did you mean features?"),
        (("audit", "--out", "x", "--parts", "features,symmetry"), "which need separate runs"),
        (("train", "--out", "x", "--architecture", "neqip"), "did you mean nequip?"),
        (("learning-curve", "--out", "x", "--degrees", "1,2"), "--degrees"),
    ],
)  # fmt: skip
def test_a_wrong_choice_names_the_nearest(ceilings: Run, words: tuple[str, ...], said: str) -> None:
    assert said in ceilings(*words).sentence()


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("diagnose",), ("marked|density", "free|equivariant|network", "fixed|radial|gradient|solid")),
        (("audit",), ("features|readouts|directions|symmetry|remedies",)),
        (("train",), ("nequip|allegro|mace|unconstrained",)),
    ],
)
def test_the_help_shows_the_choices(
    ceilings: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setenv("TERMINAL_WIDTH", "250")
    text = re.sub(r"\s", "", ceilings(*words, "--help").stdout)
    assert all(choice in text for choice in shown)


# -------------------- the same words everywhere


@pytest.mark.parametrize("name", ["diagnose", "audit", "learning-curve"])
def test_model_and_frames_come_as_arguments_and_as_options(
    ceilings: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked: list[tuple[str, str]] = []

    def frames(source: str, **_options: object) -> SimpleNamespace:
        asked.append(("data", source))
        return SimpleNamespace(numbers=(6, 1, 1, 1, 1), formula="CH4")

    def backbone(source: str, **_options: object) -> None:
        asked.append(("model", source))
        raise KeyboardInterrupt

    monkeypatch.setattr("spectral_ceilings.diagnostic.frames.reading.read_frames", frames)
    monkeypatch.setattr("spectral_ceilings.diagnostic.frames.reading_any.read_data", frames)
    monkeypatch.setattr(
        "spectral_ceilings.diagnostic.frames.reading_any.one_composition", lambda data, _who: data
    )
    monkeypatch.setattr("spectral_ceilings.diagnostic.backbones.loading.load_backbone", backbone)
    for words in (
        ("M", "D"), ("--backbone", "M", "--data", "D"), ("M", "--data", "D"), ("M", "--structures", "D"),
        ("--model", "M", "--structures", "D"), ("M", "D", "--backbone", "M", "--data", "D"),
    ):  # fmt: skip
        asked.clear()
        assert ceilings(name, *words, "--out", "x").returncode == 130
        assert asked == [("data", "D"), ("model", "M")], words
    asked.clear()
    ceilings(name, "--out", "x")
    assert asked == [("data", DATA), ("model", MODEL)]
    for words, said in (
        (("M", "--backbone", "N"), "MODEL and --backbone are 'M' and 'N', which contradict"),
        (("M", "D", "--data", "E"), "DATA and --data are 'D' and 'E', which contradict"),
    ):
        assert said in ceilings(name, *words, "--out", "x").sentence()


def test_layers_inspect_and_check_take_both_forms(ceilings: Run) -> None:
    for words in (
        ("inspect", "ethanol-xtb"),
        ("inspect", "--data", "ethanol-xtb"),
        ("check", "--structures", "ethanol-xtb"),
    ):
        assert "ethanol" in ceilings("data", *words).stdout
    assert "contradict" in ceilings("data", "check", "ethanol-xtb", "--data", "aspirin-xtb").sentence()
    for words in (("nothing",), ("--backbone", "nothing"), ("--model", "nothing")):
        assert "no backbone at nothing" in ceilings("layers", *words).sentence()


SHARED = (
    "--held-out",
    "--units",
    "--trust",
    "--seed",
    "--out",
    "--resume",
    "--json",
    "--device",
    "--workers",
    "--data",
    "--backbone",
)


def test_an_option_of_several_commands_reads_the_same_in_each() -> None:
    """Commands whose files are of another kind say so in their own words: those are listed."""
    own = {
        ("--out", "compare"), ("--out", "train"), ("--out", "calibrate"), ("--out", "data generate"), ("--out", "theory"),
        ("--out", "paper"), ("--held-out", "train"), ("--resume", "calibrate"), ("--resume", "data generate"),
        ("--data", "audit"), ("--data", "paper"), ("--data", "data inspect"), ("--data", "data check"), ("--backbone", "audit"),
        ("--backbone", "layers"), ("--out", "advise"), ("--data", "advise"), ("--backbone", "advise"),
        ("--out", "theory graphs"), ("--out", "theory grids"), ("--out", "theory so2"),
        ("--data", "artefacts"), ("--backbone", "artefacts"), ("--data", "observe"), ("--backbone", "observe"),
        ("--out", "sweep run"), ("--workers", "sweep run"), ("--workers", "sweep retry"),
    }  # fmt: skip
    said: dict[str, dict[str, str]] = {option: {} for option in SHARED}
    for name, command in commands():
        for parameter in command.params:
            for option in SHARED:
                if option in parameter.opts and (option, name) not in own:
                    said[option][name] = parameter.help
    for option, helps in said.items():
        assert helps, option
        assert len(set(helps.values())) == 1, (option, helps)
    assert {"learning-curve", "diagnose", "audit", "layers"} <= set(said["--trust"])


def test_both_words_for_degrees_are_taken() -> None:
    for name in ("diagnose", "audit", "learning-curve"):
        assert {"--degree", "--degrees"} <= set(shown_defaults(name))


# -------------------- version, completion, speed


def test_the_version_is_that_of_the_package(ceilings: Run) -> None:
    from importlib.metadata import version

    done = ceilings("--version")
    assert (done.returncode, done.stdout) == (0, f"ceilings {version('spectral-ceilings')}\n")


def test_without_a_command_the_help_is_shown_and_it_is_no_verdict(ceilings: Run) -> None:
    done = ceilings()
    assert done.returncode == 2
    assert "learning-curve" in done.stdout + done.stderr
    assert ceilings("--help").returncode == 0


def complete(words: str, shell_words: str, monkeypatch: pytest.MonkeyPatch, ceilings: Run) -> set[str]:
    monkeypatch.setenv("_CEILINGS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", shell_words)
    return set(ceilings().stdout.split())


def test_the_shell_completes_commands_and_choices(ceilings: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"diagnose", "data"} <= complete("ceilings d", "1", monkeypatch, ceilings)
    assert complete("ceilings train --architecture ne", "3", monkeypatch, ceilings) == {"nequip"}
    assert complete("ceilings diagnose --injection marked,d", "3", monkeypatch, ceilings) == {
        "marked,density"
    }


def test_a_script_for_the_shell_is_shown(ceilings: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    done = ceilings("--show-completion", "bash")
    assert done.returncode == 0, done.stderr
    assert "_CEILINGS_COMPLETE" in done.stdout


HEAVY = {"numpy", "torch", "scipy", "sympy", "numba", "matplotlib", "ase", "e3nn", "pooch", "filelock"}

HELP = f"""
import sys
from spectral_ceilings.cli.app import run
for words in {[name.split() for name, _ in commands()]!r}:
    run([*words, "--help"])
loaded = {HEAVY!r} & {{name.partition(".")[0] for name in sys.modules}}
sys.exit(f"the help imports {{sorted(loaded)}}" if loaded else 0)
"""


def test_the_help_of_every_command_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]


def test_every_command_says_what_it_does_in_its_first_line() -> None:
    for name, command in commands():
        first = (command.help or "").splitlines()[0]
        assert re.match(r"[A-Z][a-z]+,? .*\.$", first), name
        for parameter in command.params:
            if parameter.name != "help":
                assert parameter.help, (name, parameter.name)
                assert parameter.help.endswith("."), (name, parameter.name)
