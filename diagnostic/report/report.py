"""The report of a diagnosis: one HTML page that needs nothing but itself."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from markupsafe import Markup

from ..measurement.result import Result, no_ceiling
from ..pages.frame import Page, render_page
from ..pages.text import model_of, significant, subscripts
from ..records.files import write_whole
from .captions import page_figures
from .contents import sections_of
from .first_screen import advice, banner, findings, key_numbers
from .result_object import Diagnosis

_LEAD = Markup(
    "The angular frequency ℓ counts how finely a force changes as the molecule rotates: ℓ = 1 goes once from push to pull "
    "and back in a full turn, ℓ = 4 does so four times. We add to the forces a known field of one ℓ, and ask how much of it "
    "a readout, a polynomial fitted to the model's frozen features, recovers on frames that it has not seen. "
    "R²&nbsp;=&nbsp;1 is all of it, R²&nbsp;=&nbsp;0 is nothing."
)


def write_report(result: Diagnosis | Result, directory: str | Path) -> Path:
    """Write ``report.html`` into a run directory; return its path.

    The page is self-contained: figures are inlined as SVG, nothing is requested from anywhere, it opens from
    disk, on a phone, in light and dark, and prints. Every text of `result` is escaped.
    """
    return write_whole(Path(directory) / "report.html", render_report(result))


def render_report(result: Diagnosis | Result) -> str:
    """Return the report of a result as an HTML document."""
    content = cast(Result, result)
    model, data = content["model"], content["data"]
    kind = {True: "a trained", False: "an untrained", None: "a"}[model["trained"]]
    named = f"{kind} {model_of(model['architecture'])}"
    return render_page(
        Page(
            kind="Spectral-injection diagnosis",
            title=f"What readouts of {named} recover, on {subscripts(data['formula'])}",
            banner=banner(content),
            findings=findings(content),
            advice=advice(content),
            numbers=key_numbers(content),
            lead=[_LEAD, _ceiling(content)],
            sections=sections_of(content, page_figures(content)),
            version=str(content["versions"].get("spectral-ceilings", "")),
        )
    )


def _ceiling(result: Result) -> str:
    if no_ceiling(result):
        return (
            "No symmetry is declared of the features measured here. The network was run on every turned frame, so that they are "
            "what it gives there. They may change with the orientation in any way, and no theorem bounds what a readout of them "
            "recovers: where recovery ends was learnt, and is no ceiling."
        )
    degree, top = int(result["ceiling"]["degree"]), int(result["ceiling"]["l_max"])
    edge = int(result["ceiling"]["boundary"])
    many = "is linear in the features" if degree == 1 else f"multiplies at most {degree} features"
    product = f"{edge}" if degree == 1 else f"{degree} × {top} = {edge}"
    missed = (
        f" These features miss equivariance by {significant(result['checks']['equivariance_error'])}, so the network was run on "
        "every turned frame, and the ceiling binds only what is exactly equivariant in them."
        if result["ceiling"].get("kind") == "approximate"
        else ""
    )
    return (
        f"The features measured here carry ℓ up to {top}. A readout that {many} can build no pattern finer than "
        f"ℓ = {product}: that is its ceiling, whatever the training.{missed}"
    )
