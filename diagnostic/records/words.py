"""Words of sentences that several rooms build."""

from __future__ import annotations

from collections.abc import Iterable


def enumerated(words: Iterable[object], last: str = "and") -> str:
    """Return words as an enumeration, ``last`` before the last of them.

    Examples
    --------
    >>> enumerated([2]), enumerated(["C0", "H1", "O2"], "or")
    ('2', 'C0, H1 or O2')
    """
    texts = [str(word) for word in words]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {last} {texts[-1]}"
