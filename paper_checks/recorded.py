"""Records of long measurements that ship with the package: read whole, once, with one sentence where they are missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..theory.errors import InputError

_ASSETS = Path(__file__).parent / "assets"


def read_record(name: str, schema: str, remedy: str) -> dict[str, Any]:
    """Return the record ``assets/NAME``.

    Parameters
    ----------
    name
        Of the file.
    schema
        What its ``schema`` has to be.
    remedy
        How it is made; the end of the sentence where it is missing.

    Raises
    ------
    InputError
        It does not ship with this package.
    """
    try:
        content: dict[str, Any] = json.loads((_ASSETS / name).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{name} is not in this package; {remedy}") from error
    assert content["schema"] == schema
    return content
