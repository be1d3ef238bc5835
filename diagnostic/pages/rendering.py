"""The templates of the pages: Jinja2 with autoescape on, shared macros, and the package's forms of numbers as filters.

A room keeps its templates in a folder ``templates`` beside its modules, ``NAME.html.j2``; they may import the macros of this
room, ``{% import "macros.html.j2" as page %}``. A name that a template misses is an error.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import text


@cache
def environment(package: str) -> Environment:
    """Return the templates of a room, with those of this room besides; ``package`` is the room's ``__package__``."""
    folders = [str(resources.files(name).joinpath("templates")) for name in (package, __package__)]
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in dict.fromkeys(folders)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    forms = (text.prose, text.powers_of_ten, text.architecture, text.subscripts, text.fraction, text.interval, text.significant,
             text.seconds, text.thousands, text.setting)  # fmt: skip
    made.filters.update({form.__name__: form for form in forms})
    return made


def render(name: str, package: str, **context: object) -> Markup:
    """Return a template filled in, as markup; every plain text in ``context`` is escaped.

    Parameters
    ----------
    name
        File name of the template, such as ``method.html.j2``.
    package
        The ``__package__`` of the room that holds it.
    context
        What the template speaks of.
    """
    return Markup(text.readable(environment(package).get_template(name).render(context)))
