"""How a long job says where it stands: one form of callback for every job."""

from __future__ import annotations

from collections.abc import Callable

#: Called with (what, done, total): ``what`` names the part that is being computed, ``done`` of ``total`` steps are finished;
#: a total of 0 says that their number is not known.
Progress = Callable[[str, int, int], None]


def silent(_what: str, _done: int, _total: int) -> None:
    """Say nothing: the progress of a job that nobody watches."""
