"""The names of the injected fields, apart from the code that makes them: the types of a result need no more."""

from __future__ import annotations

from typing import Literal

InjectionName = Literal["marked", "density"]
