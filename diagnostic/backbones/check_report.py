"""What a check of an adapter says: findings with a name, a verdict, a sentence and a number."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

_SIGNS = {True: "holds", False: "FAILS", None: "open "}


@dataclass(frozen=True)
class Finding:
    """One statement about an adapter.

    Attributes
    ----------
    name
        What was looked at, such as ``rotation``.
    held
        Whether it is as it has to be; None: it could not be told, or says something that is no mistake.
    sentence
        What was found and, where it does not hold, what to do.
    number
        The measured number that the verdict rests on, where there is one.
    """

    name: str
    held: bool | None
    sentence: str
    number: float | None = None


@dataclass(frozen=True, repr=False)
class BackboneReport:
    """The findings of :func:`~spectral_ceilings.diagnostic.backbones.check.check_backbone`.

    ``report["rotation"]`` is the finding of that name; printing the report lists them all.

    Attributes
    ----------
    source
        The backbone's source.
    findings
        In the order in which they were looked at.
    """

    source: str
    findings: tuple[Finding, ...]

    @property
    def held(self) -> bool:
        """Whether nothing fails."""
        return all(finding.held is not False for finding in self.findings)

    def __getitem__(self, name: str) -> Finding:
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise KeyError(
            f"no finding {name!r}; there are {', '.join(finding.name for finding in self.findings)}"
        )

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {
            "source": self.source,
            "held": self.held,
            "findings": [asdict(finding) for finding in self.findings],
        }

    def __repr__(self) -> str:
        failing = sum(finding.held is False for finding in self.findings)
        head = f"{self.source}: " + (
            f"{failing} of {len(self.findings)} checks fail" if failing else "no check fails"
        )
        width = max((len(finding.name) for finding in self.findings), default=0)
        lines = [head]
        for finding in self.findings:
            start = f"  {_SIGNS[finding.held]}  {finding.name:<{width}}  "
            indent = " " * len(start)
            lines.append(textwrap.fill(finding.sentence, 110, initial_indent=start, subsequent_indent=indent))
        return "\n".join(lines)
