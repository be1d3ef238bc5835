"""The documentation is true: its Python runs, its output is what is printed, its commands parse, its tables are current."""

import ast
import contextlib
import doctest
import importlib
import importlib.util
import io
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
import typer.main
import yaml
from same_output import agree

from spectral_ceilings.cli.app import build_app

from site_links import broken_links, foreign_requests

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
#: The pages that a reader is promised.
PROMISED = {
    "index",
    "why-the-ceiling-is-dL",
    "conventions-and-pitfalls",
    "reading-a-report",
    "your-own-data",
    "your-own-model",
    "start",
    "prove-a-ceiling",
    "choose-l-max",
    "the-papers-claims",
    "citing",
    "cli",
}

#: ```language ... ``` at the start of a line, with the comment on the line above, if there is one.
_FENCE = re.compile(
    r"(?:^<!-- (?P<marker>[^\n]*?) -->\n+)?^```(?P<language>\w+)[^\n]*\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page: its language, its text, its first line, and the comment above it."""

    language: str
    body: str
    line: int
    marker: str


def blocks(text: str) -> list[Block]:
    return [
        Block(
            found["language"],
            found["body"],
            text.count("\n", 0, found.start("body")) + 1,
            found["marker"] or "",
        )
        for found in _FENCE.finditer(text)
    ]


def of(page: Path) -> list[Block]:
    return blocks(page.read_text(encoding="utf-8"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_promised_pages_exist() -> None:
    assert {page.stem for page in PAGES} >= PROMISED


def test_numbers_agree_to_the_last_digit_shown_and_words_exactly() -> None:
    assert agree("R2 0.983 at l = 4, noise 1e-31", "R2 0.984 at l = 4, noise 7e-30")
    assert not agree("R2 0.983", "R2 0.985")
    assert not agree("rank 25", "rank 24")
    assert not agree("noise 1e-31", "noise 1e-3")
    assert not agree("recovered", "undecided")


def test_blocks_and_markers_are_found() -> None:
    page = "a\n<!-- slow: an hour -->\n```python\nx = 1\n```\n\n```console\nceilings advise\n```\n"
    assert [(b.language, b.line, b.marker) for b in blocks(page)] == [
        ("python", 4, "slow: an hour"),
        ("console", 8, ""),
    ]


def with_python() -> list[Path]:
    return [page for page in PAGES if any(block.language == "python" for block in of(page))]


@pytest.mark.parametrize("page", with_python(), ids=name)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of one page share a namespace; a block ``<!-- slow: REASON -->`` is checked for its imports only.

    A ``text`` block below ``<!-- output -->`` is what the block before it prints.
    """
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "page"}
    printed: str | None = None
    for block in of(page):
        if block.language == "python":
            source = "\n" * (block.line - 1) + block.body
            code = compile(source, str(page), "exec")
            if block.marker.startswith("slow:"):
                assert len(block.marker.removeprefix("slow:").split()) >= 2, (
                    "a block is left out for a reason that is told"
                )
                imports = [
                    node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)
                ]
                exec(compile(ast.Module(imports, []), str(page), "exec"), namespace)
                printed = None
                continue
            with contextlib.redirect_stdout(io.StringIO()) as stream:
                exec(code, namespace)
            printed = stream.getvalue()
        elif block.marker == "output":
            assert printed is not None, f"line {block.line}: no block was run whose output this could be"
            assert agree(block.body.strip(), printed.strip()), f"line {block.line}: it prints\n{printed}"


@pytest.mark.parametrize("path", EXAMPLES, ids=name)
def test_an_example_prints_what_it_says(path: Path, tmp_path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) < 60
    shown = [
        line.removeprefix("#").removeprefix(" ") for line in source.partition("\n# Output:\n")[2].splitlines()
    ]
    assert shown, "the output stands below the code, after '# Output:'"
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning:torch", str(path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 0, run.stderr
    assert agree("\n".join(shown).strip(), run.stdout.strip()), run.stdout


def modules_with_examples() -> list[str]:
    packages = ("theory", "numerics", "diagnostic", "paper_checks", "sweeps", "cli")
    sources = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    return [
        "spectral_ceilings." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sources
        if re.search(r"^\s*>>> ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ]


@pytest.mark.parametrize("module", modules_with_examples())
def test_the_examples_of_docstrings_run(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted > 0
    assert found.failed == 0


def command_lines(text: str) -> list[tuple[int, list[str]]]:
    """Return (line, words) of every ``ceilings`` command in console and bash blocks."""
    found = []
    for block in blocks(text):
        if block.language not in {"console", "bash", "sh", "shell"}:
            continue
        pending, start = "", block.line
        for number, line in enumerate(block.body.splitlines(), start=block.line):
            start = start if pending else number
            pending += line.strip().removeprefix("$ ")
            if pending.endswith("\\"):
                pending = pending[:-1] + " "
                continue
            lexer = shlex.shlex(pending, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ";"]:
                if set(word) <= set("();<>|&"):  # an operator of the shell ends a command
                    if "ceilings" in words:
                        found.append((start, words[words.index("ceilings") :]))
                    words = []
                else:
                    words.append(word)
            pending = ""
    return found


def parse(words: list[str]) -> None:
    """Parse a command line as the program does, without running it."""
    command: Any = typer.main.get_command(build_app())
    context: Any = None
    help_only = "--help" in words
    rest = [word for word in words[1:] if word != "--help"]
    title = words[0]
    while True:
        # What --help is asked about need not be complete.
        context = command.make_context(title, list(rest), parent=context, resilient_parsing=help_only)
        rest = [*(getattr(context, "_protected_args", None) or []), *context.args]
        if not hasattr(command, "resolve_command"):
            assert not rest, f"left over: {rest}"
            return
        if not rest:
            assert help_only or command.invoke_without_command, f"{title} needs a command"
            return
        title, command, rest = command.resolve_command(context, rest)


COMMANDS = [
    pytest.param(words, id=f"{name(page)}:{line}")
    for page in PAGES
    for line, words in command_lines(page.read_text(encoding="utf-8"))
]


def test_commands_are_found() -> None:
    page = "```bash\nOMP_NUM_THREADS=1 ceilings train --out a \\\n  --steps 5 | tee log && ceilings advise --l 4  # why\n```\n"
    assert command_lines(page) == [
        (2, ["ceilings", "train", "--out", "a", "--steps", "5"]),
        (2, ["ceilings", "advise", "--l", "4"]),
    ]
    assert len(COMMANDS) > 15


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_of_the_documentation_parses(words: list[str]) -> None:
    parse(words)


@pytest.mark.parametrize(
    "line",
    [
        "ceilings diagnoze --out a",
        "ceilings diagnose",
        "ceilings diagnose --out a --lmax 3",
        "ceilings diagnose --out a --l-top high",
        "ceilings data",
        "ceilings theory prove",
    ],
)
def test_a_command_that_does_not_exist_is_told(line: str) -> None:
    usage_error = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
    with pytest.raises((usage_error, AssertionError, typer.Exit)):
        parse(line.split())


def loaded(file: str) -> ModuleType:
    """Import a script of the docs folder, which is no package."""
    specification = importlib.util.spec_from_file_location(f"docs_{Path(file).stem}", ROOT / "docs" / file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_page_of_the_command_line_is_current() -> None:
    tables = loaded("command_tables.py")
    listed: list[str] = []
    for name in tables.PAGES:
        page = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert tables.fill(name, page) == page, "run: python docs/command_tables.py"
        listed += re.findall(r"^## (ceilings .+)$", page, flags=re.MULTILINE)
    assert sorted(listed) == sorted(title for title, _ in tables.commands())
    assert {
        "ceilings diagnose",
        "ceilings data generate",
        "ceilings theory",
        "ceilings theory verify",
    } <= set(listed)


def every_option() -> set[str]:
    return {
        option
        for _, command in loaded("command_tables.py").commands()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    } | {"--help", "--version", "--install-completion", "--show-completion"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_an_option_that_is_named_exists(page: Path) -> None:
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    named = set(re.findall(r"`[^`\n]*?(--[a-z][a-z-]+)[^`\n]*`", prose))
    assert named <= every_option()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\(([^)\s]+)\)", prose) + re.findall(r'(?:src|srcset|href)="([^"]+)"', prose)
    broken = [
        target
        for target in targets
        if not re.match(r"[a-z]+:|#", target) and not (page.parent / target.partition("#")[0]).exists()
    ]
    assert not broken


def test_docstrings_become_markdown() -> None:
    pytest.importorskip("griffe", reason="the extra 'docs' is not installed")
    convert = loaded("docstrings.py").to_markdown
    assert (
        convert("a :math:`x_1\n  + y` b, see :func:`~a.b.c` and :class:`D`.")
        == "a $x_1 + y$ b, see `c` and `D`."
    )
    text = "One.\n\n    .. math::\n\n        a\n        + b\n\n    Two.\n\n.. math:: c\n    = d\n\nThree."
    lines = [line for line in convert(text).splitlines() if line]
    assert lines == ["One.", "    $$a + b$$", "    Two.", "$$c = d$$", "Three."]


def test_every_page_is_in_the_navigation() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]

    def pages(entry: Any) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        return [page for one in (entry.values() if isinstance(entry, dict) else entry) for page in pages(one)]

    assert sorted(pages(nav)) == sorted(
        str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")
    )


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the extra 'docs' is not installed")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(tmp_path / "site"),
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "site" / "api" / "diagnostic" / "index.html").stat().st_size > 10_000
    assert broken_links((tmp_path / "site").resolve()) == []
    assert foreign_requests(tmp_path / "site") == []
