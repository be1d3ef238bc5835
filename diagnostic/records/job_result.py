"""The result of a job: a mapping with the content of its JSON file, and the views of it that a Python user asks for."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ...theory.errors import InputError
from .assets import shipped_schema
from .files import write_whole
from .plain import plain, to_json
from .violation import first_violation

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

Row = Mapping[str, Any]
#: Longest sentence that a representation shows in full.
_LONGEST = 400
_CELL = "padding: 0.15em 0.8em 0.15em 0; text-align: left; border-bottom: 1px solid rgba(128, 128, 128, 0.35)"


@dataclass(frozen=True)
class Plot:
    """One kind of plot of a result.

    Attributes
    ----------
    draw
        Called with the axes, and with the options of the caller by keyword.
    missing
        Why this result does not have what the plot shows, and what to do; empty where it has it.
    options
        Names of the options that it takes.
    """

    draw: Callable[..., None]
    missing: str = ""
    options: tuple[str, ...] = ()


class JobResult(dict[str, Any]):
    """The content of a job's JSON file, with rows, data frames, plots, and a file that is checked when it is read.

    It is a ``dict``: ``result["verdict"]``, ``json.dumps(result)`` and every key of the schema work as in the file.

    Attributes
    ----------
    schema_name
        The value of the field ``"schema"``.
    schema_file
        The JSON Schema that ships with the package, without its ending.
    file_name
        The file in a run directory.
    job
        The command that writes it.
    table_names
        The tables that ``rows`` and ``to_dataframe`` give, the leading one first.
    """

    schema_name: ClassVar[str]
    schema_file: ClassVar[str]
    file_name: ClassVar[str] = "result.json"
    job: ClassVar[str]
    table_names: ClassVar[tuple[str, ...]]

    @property
    def held(self) -> bool | None:
        """Whether theory held; None where the job judges nothing, or cannot decide."""
        held = self.get("verdict", {}).get("held")
        return None if held is None else bool(held)

    @property
    def sentence(self) -> str:
        """The result in one or two sentences."""
        return str(self["verdict"]["sentence"])

    def rows(self, table: str | None = None, /, **fields: object) -> list[dict[str, Any]]:
        """Return the rows of a table whose fields have the given values.

        Parameters
        ----------
        table
            One of ``table_names``; None: the first of them.
        fields
            A value for each field, such as ``degree=2``; a list, tuple, set or range means any of its values.

        Raises
        ------
        InputError
            A table, or a field that no row of the table has; the names that there are are listed.
        """
        name = self._table_name(table)
        rows = [dict(row) for row in self._table(name)]
        known = list(dict.fromkeys(field for row in rows for field in row))
        for field in fields:
            if rows and field not in known:
                raise InputError(
                    f"{field!r} is no field of the table {name!r}, expected some of {', '.join(known)}"
                )

        def matches(row: Row) -> bool:
            return all(_is_one_of(row.get(field), value) for field, value in fields.items())

        return [row for row in rows if matches(row)]

    def to_dataframe(self, table: str | None = None, /, **fields: object) -> pandas.DataFrame:
        """Return the rows that ``rows`` gives as a pandas data frame, one column for each field.

        Raises
        ------
        InputError
            As ``rows`` does; or pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise InputError(
                "to_dataframe needs pandas, which is not installed: install the extra with "
                "pip install 'spectral-ceilings[dataframe]', or use rows()"
            ) from error
        every = self.rows(table)
        columns = list(dict.fromkeys(field for row in every for field in row))
        return pandas.DataFrame(self.rows(table, **fields), columns=columns)

    def plot(self, kind: str | None = None, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw one panel of the job's figures and return its axes.

        Parameters
        ----------
        kind
            What to draw; None: the leading figure. An unknown kind raises an error that lists those that there are.
        ax
            Matplotlib axes to draw on; None: those of a new figure. Colours follow its background, fonts are the user's.
        options
            Further choices of a kind, such as ``l=4`` of the molecule.

        Raises
        ------
        InputError
            An unknown kind or option, or a result that lacks what the kind shows.
        """
        plots = self._plots()
        wanted = next(iter(plots), "") if kind is None else kind
        if wanted not in plots:
            raise InputError(
                f"there is no plot {wanted!r} of a {type(self).__name__}, expected one of {', '.join(plots)}"
            )
        chosen = plots[wanted]
        if chosen.missing:
            raise InputError(f"the plot {wanted!r} cannot be drawn: {chosen.missing}")
        for option in options:
            if option not in chosen.options:
                takes = (
                    f"expected some of {', '.join(chosen.options)}" if chosen.options else "which takes none"
                )
                raise InputError(f"{option!r} is no option of the plot {wanted!r}, {takes}")
        if ax is not None:
            chosen.draw(ax, **options)
            return ax
        from matplotlib import pyplot

        figure, ax = pyplot.subplots(layout="constrained")
        try:
            chosen.draw(ax, **options)
        except BaseException:
            pyplot.close(figure)  # a refused plot leaves no empty figure that a notebook would show
            raise
        return ax

    @property
    def plots(self) -> tuple[str, ...]:
        """The kinds that ``plot`` can draw of this result."""
        return tuple(name for name, plot in self._plots().items() if not plot.missing)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the JSON file, checked against its schema; return its path.

        Parameters
        ----------
        path
            A file ending in ``.json``, or a directory that is to hold ``file_name``.
        overwrite
            Replace another result that is there; without, it is never destroyed.

        Raises
        ------
        InputError
            The content does not meet the schema, another result stands there, or the file cannot be written.
        """
        content = plain(self, type(self).__name__)
        given = Path(path)
        target = given if given.suffix == ".json" and not given.is_dir() else given / self.file_name
        type(self)._check(content, str(target))
        try:
            if target.exists() and not overwrite:
                if read_content(target) == content:
                    return target
                raise InputError(
                    f"{str(target)!r} holds another result: give another path, or overwrite=True; nothing in it was touched"
                )
            return write_whole(target, to_json(content))
        except OSError as error:
            raise InputError(
                f"{str(target)!r} cannot be written ({error.strerror or error}): give a path that you may write to"
            ) from error

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a result back and check it against its schema.

        Parameters
        ----------
        path
            The file, or the run directory that holds it.

        Raises
        ------
        InputError
            There is no such file, it is not JSON, another job wrote it, or it does not meet the schema: file, place and what
            was expected are named.
        """
        given = Path(path)
        target = given / cls.file_name if given.is_dir() else given
        content = read_content(target, f"give a file or a finished run directory of '{cls.job}'")
        cls._check(content, str(target))
        return cls(content)

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of the file."""
        return shipped_schema(cls.schema_file)

    @classmethod
    def _check(cls, content: Any, where: str) -> None:
        """Raise InputError where the content does not meet the schema or breaks a law of the job."""
        if isinstance(content, dict) and content.get("schema", cls.schema_name) != cls.schema_name:
            raise InputError(
                f"{where} has the schema {content['schema']!r}, expected {cls.schema_name!r} of '{cls.job}'"
            )
        problem = first_violation(content, cls.schema()) or cls._broken_law(content)
        if problem:
            raise InputError(f"{where}: {problem}")

    @classmethod
    def _broken_law(cls, content: dict[str, Any]) -> str | None:
        """Return what a content that meets the schema breaks all the same, or None."""
        return None

    def _table_name(self, table: str | None) -> str:
        name = self.table_names[0] if table is None else table
        if name not in self.table_names:
            raise InputError(
                f"{name!r} is no table of a {type(self).__name__}, expected one of {', '.join(self.table_names)}"
            )
        return name

    def _table(self, name: str) -> Iterable[Row]:
        """Return the rows of a table."""
        return self.get(name) or []

    def _plots(self) -> dict[str, Plot]:
        """Return every kind of plot, the leading one first."""
        raise NotImplementedError

    def _numbers(self) -> list[tuple[str, str]]:
        """Return the key numbers as (name, value)."""
        return []

    def _summary(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        """Return (headings, rows) of the small table that a notebook shows."""
        return (), ()

    def _judged(self) -> str:
        return {
            True: "held",
            False: "did not hold",
            None: "undecided" if "verdict" in self else "nothing judged",
        }[self.held]

    def __repr__(self) -> str:
        """The sentence and the key numbers, never the whole content."""
        name = type(self).__name__
        try:
            numbers = "; ".join(f"{what}: {value}" for what, value in self._numbers())
            return (
                f"<{name}, {self._judged()}: {_shortened(self.sentence)}{f' ({numbers})' if numbers else ''}>"
            )
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            return f"<{name} without all of its fields: {', '.join(map(str, list(self)[:8]))}>"

    def _repr_html_(self) -> str:
        """The sentence, the key numbers and a small table: what a notebook shows; every text is escaped."""
        try:
            sentence, numbers, (head, rows) = self.sentence, self._numbers(), self._summary()
            judged = self._judged()
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            return f"<pre>{html.escape(repr(self))}</pre>"
        parts = [
            '<div style="border-left: 4px solid currentColor; padding: 0.2em 0 0.2em 1em; color: inherit; background: none">',
            f"<div><strong>{type(self).__name__}, {html.escape(judged)}</strong></div>",
            f"<div>{html.escape(sentence)}</div>",
        ]
        if numbers:
            shown = " &nbsp; ".join(
                f"{html.escape(what)}: <strong>{html.escape(value)}</strong>" for what, value in numbers
            )
            parts.append(f'<div style="padding-top: 0.4em">{shown}</div>')
        if rows:
            cells = "".join(f'<th style="{_CELL}">{html.escape(name)}</th>' for name in head)
            body = "".join(
                "<tr>" + "".join(f'<td style="{_CELL}">{html.escape(cell)}</td>' for cell in row) + "</tr>"
                for row in rows
            )
            parts.append(
                '<div style="overflow-x: auto; padding-top: 0.4em"><table style="border-collapse: collapse; color: inherit; '
                f'background: none"><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'
            )
        return "".join([*parts, "</div>"])


def _is_one_of(value: object, wanted: object) -> bool:
    if isinstance(wanted, (list, tuple, set, frozenset, range)):
        return any(_same(value, option) for option in wanted)
    return _same(value, wanted)


def _same(value: object, wanted: object) -> bool:
    # to Python True == 1, in a table they are a judgement and a number
    return isinstance(value, bool) == isinstance(wanted, bool) and bool(value == wanted)


def _shortened(sentence: str) -> str:
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST].rstrip()} ..."


def read_content(path: Path, advice: str = "give another path") -> Any:
    """Return the content of a JSON file; InputError where it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"there is no file {str(path)!r}: {advice}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} cannot be read as JSON ({error}): {advice}") from error
