"""Checks JSON data against the JSON Schema shipped with the package, naming every entry that does not conform.

Only the keywords that the package's schemas use are understood; any other keyword is an error, so that nothing
passes unchecked. The tests compare it with the reference implementation ``jsonschema``.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

_ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description"}
_TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "integer": int}


@lru_cache(maxsize=8)
def load_schema(name: str) -> dict[str, Any]:
    """Return a schema that is shipped beside this module, for example ``span_certificate.schema.json``."""
    schema: dict[str, Any] = json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return schema


def schema_findings(data: object, schema: dict[str, Any]) -> list[str]:
    """Return one sentence for every entry of `data` that does not conform to `schema`; empty if all do."""
    return _check(data, schema, schema, "certificate")


def _check(value: object, rule: dict[str, Any], root: dict[str, Any], where: str) -> list[str]:
    if "$ref" in rule:
        return _check(value, root["$defs"][rule["$ref"].removeprefix("#/$defs/")], root, where)
    if "const" in rule and (value != rule["const"] or isinstance(value, bool)):
        return [f"{where}: {rule['const']!r} is expected, {_shown(value)} is found"]
    if "enum" in rule and (value not in rule["enum"] or isinstance(value, bool | float)):
        return [f"{where}: one of {rule['enum']} is expected, {_shown(value)} is found"]
    if "type" in rule and (not isinstance(value, _TYPES[rule["type"]]) or isinstance(value, bool)):
        return [f"{where}: {rule['type']} is expected, {_shown(value)} is found"]
    findings: list[str] = []
    for keyword, limit in rule.items():
        if keyword in _ANNOTATIONS or keyword in ("const", "enum", "type", "additionalProperties", "items"):
            continue
        if keyword == "minimum":
            bad = value < limit
        elif keyword == "maximum":
            bad = value > limit
        elif keyword == "pattern":
            bad = re.search(limit, str(value)) is None
        elif keyword == "minItems":
            bad = len(value) < limit  # type: ignore[arg-type]
        elif keyword == "required":
            findings += [f"{where}.{key}: is missing" for key in limit if key not in value]  # type: ignore[operator]
            continue
        elif keyword == "properties":
            assert isinstance(value, dict)
            for key, item in value.items():
                if key in limit:
                    findings += _check(item, limit[key], root, f"{where}.{key}")
                elif rule.get("additionalProperties", True) is False:
                    findings.append(f"{where}.{key}: is no entry of the format")
            continue
        else:
            raise NotImplementedError(f"JSON Schema keyword {keyword!r}")
        if bad:
            findings.append(f"{where}: {keyword} {limit} is violated by {_shown(value)}")
    if "items" in rule and isinstance(value, list):
        for i, item in enumerate(value):
            findings += _check(item, rule["items"], root, f"{where}[{i}]")
    return findings


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
