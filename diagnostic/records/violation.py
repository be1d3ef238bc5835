"""Where a content leaves its JSON Schema, in one sentence: the place, what stands there, what was expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

#: Longest value that a sentence shows.
_LONGEST = 60


def first_violation(content: object, schema: Mapping[str, Any]) -> str | None:
    """Return the first place where `content` leaves a JSON Schema (draft 2020-12), or None where it meets it.

    Parameters
    ----------
    content
        Plain JSON values.
    schema
        The schema.

    Returns
    -------
    Such as ``recovery[3].r2 is 'high', expected a number or null``.
    """
    import jsonschema  # takes a tenth of a second, and most runs read nothing back

    error = next(iter(jsonschema.Draft202012Validator(schema).iter_errors(content)), None)
    if error is None:
        return None
    while error.context:  # of alternatives, the one that goes deepest is the one that was meant
        error = max(error.context, key=lambda cause: len(cause.absolute_path))
    place = _place(error.absolute_path)
    given = error.instance
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in given)
        return f"{place} lacks the field {missing!r}"
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = error.schema.get("properties", {})
        extra = next(name for name in given if name not in known)
        return f"{place} has the field {extra!r}, expected only {', '.join(known)}"
    return f"{place} is {_short(given)}, expected {_expected(error.validator, error.validator_value)}"


def _place(path: Any) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the content"


def _short(value: object) -> str:
    if isinstance(value, (dict, list)) and value:
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


_TYPES = {"object": "an object", "array": "a list", "string": "a text", "number": "a number", "integer": "an integer",
          "boolean": "true or false", "null": "null"}  # fmt: skip


def _expected(rule: str, value: Any) -> str:
    """Return what a rule of JSON Schema asks for, in words."""
    if rule == "type":
        return " or ".join(_TYPES[name] for name in ([value] if isinstance(value, str) else value))
    if rule in ("const", "enum"):
        choices = [value] if rule == "const" else value
        return " or ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)
    words = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than", "exclusiveMaximum": "less than",
             "minItems": "at least so many entries:", "maxItems": "at most so many entries:", "minLength": "a text of length",
             "pattern": "a text that matches"}  # fmt: skip
    return f"{words.get(rule, rule)} {json.dumps(value, ensure_ascii=False)[:200]}"
