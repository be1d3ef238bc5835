"""What the report says in words: definitions with formulas, and the limits of what is claimed."""

from __future__ import annotations

from ..measurement.result import Result
from ..measurement.verdict import MINIMUM
from ..pages.html import escape, prose, subscripts
from ..recovery.bootstrap import LEVEL

_METHOD = """<ol>
<li><b>Features.</b> The frozen model is run once on every frame, in double precision, and one layer is kept.
That the features turn with the molecule is checked first.</li>
<li><b>Orientation.</b> Each use of a frame gets its own random rotation, uniform over all rotations. Features
and forces are turned exactly, by Wigner matrices. Without this step a trajectory shows the molecule from
nearly one side only, and the measurement means nothing (see the controls).</li>
<li><b>Injection.</b> The force on atom <i>i</i> gets an extra part of one angular frequency ℓ,
<div class="formula" tabindex="0" role="region" aria-label="Formula of the injected force">
Δ<b>F</b><sub><i>i</i></sub> = ε (<b>a</b> · <b>T</b><sub><i>i</i></sub>) <b>e</b><br>
<b>T</b><sub><i>i</i></sub> = <i>Y</i><sub>ℓ</sub>(direction from <i>i</i> to its marked neighbour)</div>
where <i>Y</i><sub>ℓ</sub> are the 2ℓ + 1 real spherical harmonics of degree ℓ with unit mean square, <b>a</b>
and the unit vector <b>e</b> are fixed in the laboratory, and ε is a given fraction of the RMS force. The
<i>density</i> injection sums <i>Y</i><sub>ℓ</sub> over all neighbours with a smooth cutoff instead, and needs
no mark. At ℓ = 0 the
marked pattern is a constant, which any readout holds and to which no target is unrelated: that point tests the
fit, not the features, and has no null band.</li>
<li><b>Readout.</b> A polynomial of degree <i>d</i> in the features of atom <i>i</i> is fitted
to the forces that the model leaves unexplained, the injected part among them, by ridge regression in closed
form; the ridge strength is chosen on the validation frames. The <i>free</i> readout takes products of feature
components as they stand in the laboratory and knows nothing of symmetry. The <i>equivariant</i> readout takes
only the Clebsch–Gordan products that carry degree ℓ; where there is none, it reports <i>no path</i>.</li>
<li><b>Recovery</b>, on held-out frames on which nothing was chosen:
<div class="formula" tabindex="0" role="region" aria-label="Formula of R squared">
<i>R</i>²(ℓ) = 1 − Σ |Δ<b>F</b> − (<b>P</b> − <b>P</b><sub>0</sub>)|² / Σ |Δ<b>F</b>|²</div>
<div class="formula" tabindex="0" role="region" aria-label="Formula of the recovery fraction">
ρ(ℓ) = (Δ(ℓ) − Δ<sub>0</sub>) / (Δ<sub>oracle</sub>(ℓ) − Δ<sub>0</sub>)<br>
Δ = MSE(no readout) − MSE(readout)</div>
<b>P</b> is the prediction and <b>P</b><sub>0</sub> that of the same fit when nothing is injected: the fit is linear in
its target, so the difference is what the injection caused, and the model's own error does not enter. Δ is the raw gain,
Δ<sub>0</sub> the gain when nothing is injected, and the oracle is the same fit with <b>T</b><sub><i>i</i></sub>
itself among the features: what a perfect layer would gain. <i>R</i>² below zero means that the readout adds
more noise than signal.</li>
<li><b>Interval</b> of {share} %, for log(1 − <i>R</i>²) and turned back, so that no end lies above 1. Blocks of neighbouring
held-out frames, which resemble each other, are drawn again with replacement; their variance <i>V</i>, over <i>n</i> blocks,
reaches <i>t</i><sub><i>n</i>−1</sub> (<i>V</i> <i>n</i> / (<i>n</i> − 1))<sup>½</sup> to each side, with Student’s
<i>t</i>. Where a number is the median of several atoms, atoms are drawn again too, frames kept, and their part is the
middle {share} % of the resampled medians. The parts add in quadrature, each side for itself.</li>
<li><b>Null band.</b> The same fit on targets taken from other, independently rotated frames, which have nothing to do
with the features: how large R² comes out when there is nothing to recover, at this sample size. The band ends where
{edge} % of such fits stay below.</li>
<li><b>Verdict</b> for each ℓ. <i>Recovered</i>: the whole interval of R² lies above the null band and above
{minimum}. <i>Not recovered</i>: it lies below {minimum}. <i>Undecided</i>: neither. <i>No path</i>: theory leaves no
polynomial at all. Theory held where every ℓ up to the ceiling is recovered and no ℓ above it is recovered or
undecided.</li>
</ol>
<p><b>The ceiling.</b> The features of the layer carry angular degrees up to <i>L</i>. A product of <i>d</i>
of them carries degrees up to <i>d</i> × <i>L</i>, and a sum of products no more: a polynomial readout of
degree <i>d</i> cannot hold a higher frequency, whatever its coefficients and however the features were
trained. This part is proved; the report measures that a real model and a readout that knows nothing of the
proof agree with it.</p>
"""


def method(result: Result) -> str:
    """Return the steps and definitions, with the levels that the verdict uses, and the ceiling of this layer."""
    share, edge = f"{100 * LEVEL:g}", f"{50 * (1 + LEVEL):g}"
    words = _METHOD.format(share=share, edge=edge, minimum=f"{MINIMUM:g}")
    return f"{words}<p><b>For this layer.</b> {prose(result['ceiling']['explanation'])}</p>\n"


def not_claimed(result: Result) -> str:
    """Return the limits of the claim, with the numbers of this run."""
    formula = escape(subscripts(result["data"]["formula"]))
    held_out = int(result["data"]["splits"]["held_out"])
    return f"""<ul>
<li><b>Not that the force field is inaccurate.</b> The frequencies above the ceiling were put in by hand. How
much of them real forces hold, and whether it matters, is another question.</li>
<li><b>Not a ceiling of the whole network.</b> It holds for one frozen layer and polynomial readouts of
bounded degree. Each further layer multiplies features again, and a readout with a nonlinear activation such
as SiLU is no polynomial and has no ceiling.</li>
<li><b>Nothing about the height below the ceiling.</b> It depends on the features, the readout, the number of
frames and the atom. Theory says where the cliff stands; training moves the height below it, not the
place.</li> <li><b>Nothing about distances.</b> ℓ counts angles only; detail along a bond length has no such
ceiling.</li> <li><b>Not other molecules or models.</b> One backbone on {formula}, {held_out:,} held-out
frames. The intervals speak of these frames and atoms.</li>
<li><b>“Not recovered” is a measurement, “no path” a theorem.</b> The free readout can only show whether what it
finds above the ceiling leaves the null band; that nothing can be there follows from theory alone.</li>
<li><b>Definitions are those of this page.</b> Others may define the recovery fraction, the mark or the
readout differently, and get other heights.</li>
</ul>
"""
