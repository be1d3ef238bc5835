"""What the controls show where no theorem binds the features exactly."""

from __future__ import annotations

from collections.abc import Mapping

from .verdict import MINIMUM


def by_l(at: Mapping[int, float]) -> str:
    """Return R2 at every l from 1 on."""
    degrees = [l for l in at if l > 0]
    values = ", ".join(f"{at[l]:.2f}".replace("-0.00", "0.00") for l in degrees)
    return (
        f"R² = {values} at l = {', '.join(map(str, degrees))}" if degrees else "no l from 1 on was injected"
    )


def unbounded_untrained(at: Mapping[int, float]) -> str:
    """Return what a model with random weights shows whose features have no declared symmetry."""
    return (
        f"The same architecture with random weights, the same frames, targets and readout: {by_l(at)}. No theorem says where "
        "either ends; the difference to this run is what training put into the features."
    )


def unbounded_unrotated(at: Mapping[int, float]) -> str:
    """Return what frames that nobody turned show of features without declared symmetry."""
    return (
        f"The same fit on frames as they are stored, none of them turned: {by_l(at)}. On the few directions that frames of a "
        "trajectory show, a function of low l can imitate one of high l; only turned frames say what is in the features."
    )


def approximate_untrained(at: Mapping[int, float], boundary: int) -> str:
    """Return what random weights show where features miss equivariance and something above the ceiling is recovered."""
    return (
        f"The same architecture with random weights, the same frames, targets and readout: {by_l(at)}. Above the ceiling "
        f"{boundary} of exactly equivariant features something is recovered here too: missed equivariance lets it through, with "
        "and without training."
    )


def exactly_turned(at: Mapping[int, float], of_run: Mapping[int, float], boundary: int) -> str:
    """Return what the same features turned by Wigner matrices show beside the run on turned frames."""
    common = [l for l in at if l in of_run]
    apart = max(common, key=lambda l: abs(at[l] - of_run[l]), default=None)
    lead = (
        "The network is run once on every frame, and its features are turned by Wigner matrices, which makes them exactly "
        "equivariant"
    )
    if apart is None:
        return f"{lead}."
    difference = abs(at[apart] - of_run[apart])
    above = [at[l] for l in at if l > boundary]
    ends = (
        ""
        if not above
        else f" Above the ceiling {boundary} they give R² = {max(above):.3f} at most".replace(
            "-0.000", "0.000"
        )
        + (
            ", which theory excludes: look for an error first."
            if max(above) > MINIMUM
            else ", as theory demands."
        )
    )
    return f"{lead}. R² differs from that of the run by {difference:.1e} at most, at l = {apart}.{ends}"
