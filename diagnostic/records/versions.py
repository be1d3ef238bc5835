"""Which packages a result was made with."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed_versions(*names: str) -> dict[str, str]:
    """Return the versions of the named distributions; those that are not installed are left out."""
    versions = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def audit_versions() -> dict[str, str]:
    """Return the versions that an audit records."""
    return installed_versions(
        "spectral-ceilings", "torch", "e3nn", "nequip", "mace-torch", "nequip-allegro", "numpy", "scipy"
    )
