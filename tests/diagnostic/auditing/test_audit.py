"""The audit as a whole: its result keeps to its schema, goes on where it stopped, and says when theory does not hold."""

import csv
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from matplotlib.figure import Figure
from result_laws import check_refusals, check_result

from spectral_ceilings.diagnostic.auditing.audit import audit
from spectral_ceilings.diagnostic.auditing.report import render_audit_report
from spectral_ceilings.diagnostic.auditing.result import SPECTRA_COLUMNS, AuditSettings, audit_schema
from spectral_ceilings.diagnostic.auditing.result_object import Audit
from spectral_ceilings.diagnostic.backbones.backbone import Backbone, BackboneInfo
from spectral_ceilings.diagnostic.backbones.features import Features, Layer
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.numerics import real_harmonics
from spectral_ceilings.theory import InputError

POSITIONS = np.array([[0, 0, 0], [1.1, 0.1, 0.2], [-0.5, 1.4, -0.3], [-0.6, -0.9, 1.2]])
FRAMES = Frames(np.array([6, 1, 8, 6]), np.stack([POSITIONS, 1.02 * POSITIONS]), np.zeros((2, 4, 3)), None,
                "<four> atoms", "0" * 64, "eV")  # fmt: skip
SETTINGS = AuditSettings(degrees=(1, 2), activations=("silu",), l_top=4)
#: Largest share of a power that is rounding: a value is a sum of less than a thousand terms, each rounded to 1e-16 of a sum that
#: may cancel to a tenth; (1e-12)^2.
ROUNDING = 1e-24


class Harmonics(Backbone):
    """Sums of harmonics of all neighbours, l <= 1; `error` adds a pattern fixed in the laboratory."""

    def __init__(self, error: float = 0.0) -> None:
        # Built like a first layer of NequIP, so that theory has a bound for it.
        self.info = BackboneInfo("harmonics", "nequip", trained=True, sha256="1" * 64, builder={"l_max": 1})
        self.error, self.calls = error, 0

    def layers(self) -> list[Layer]:
        return [Layer("layer0", "1x0e+1x1o")]

    def features(self, frames: Frames, layer: str) -> Features:
        self.calls += 1
        found = np.zeros((*frames.positions.shape[:2], 4))
        for i in range(len(frames.numbers)):
            for j in range(len(frames.numbers)):
                if i != j:
                    y = real_harmonics(3, frames.positions[:, j] - frames.positions[:, i])
                    found[:, i] += y[:, :4]
                    found[:, i, 1] += self.error * y[:, 9]
        return Features(found, "1x0e+1x1o", layer)

    def forces(self, frames: Frames) -> np.ndarray:
        return np.zeros_like(frames.positions)

    def check_elements(self, frames: Frames) -> None:
        pass


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("audit") / "run"
    return out, audit(FRAMES, Harmonics(), SETTINGS, out=out)


def test_the_result_keeps_to_its_schema(run: tuple[Path, dict]) -> None:
    out, result = run
    jsonschema.Draft202012Validator.check_schema(audit_schema())
    jsonschema.validate(result, audit_schema())
    assert json.loads((out / "result.json").read_text()) == result
    for wrong in ({**result, "schema": "x"}, {**result, "readouts": [{}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, audit_schema())


def test_theory_holds_on_features_that_turn(run: tuple[Path, dict]) -> None:
    _, result = run
    assert result["verdict"]["held"]
    assert [one["name"] for one in result["verdict"]["statements"]] == [
        "polynomial readouts",
        "equivariance",
        "inversion",
        "one direction",
    ]
    shares = {row["l_out"]: row["share"] for row in result["features"]}
    assert sum(shares.values()) == pytest.approx(1)
    for row in result["readouts"]:
        if row["degree"]:
            assert row["ceiling"] == row["degree"]
            assert row["above"] < ROUNDING
            # No random coefficient is zero: a thousandth or more of the power, where a missing degree leaves rounding.
            assert row["at_ceiling"] > 1e12 * ROUNDING
        else:
            # SiLU is analytic: the power falls by decades with each degree and never to rounding.
            assert sum(row["power"][3:]) > 1e12 * ROUNDING
    # one atom of each element, both routes, two degrees and one network
    assert len(result["readouts"]) == 3 * 2 * 3
    widths = {row["l_out"]: row for row in result["directions"] if row["quantity"] == "layer0"}
    assert {l: (row["predicted"], row["measured"]) for l, row in widths.items()} == {0: (0, 0), 1: (1, 1)}


def test_every_power_is_in_the_csv(run: tuple[Path, dict]) -> None:
    out, result = run
    with (out / "spectra.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == SPECTRA_COLUMNS
    spectra = [*result["readouts"], *result["directions"]]
    assert len(rows) == sum(len(one["power"]) for one in spectra) + len(result["features"]) + sum(
        len(one["by_degree"]) for one in result["equivariance"]
    )
    assert float(rows[0]["power"]) == result["readouts"][0]["power"][0]


def test_figures_and_page_are_written_and_text_is_escaped(run: tuple[Path, dict]) -> None:
    out, result = run
    for name in ("features", "readouts", "bandwidths", "tails"):
        for form in (".png", "-dark.png", "-narrow.png", ".svg"):
            assert (out / "figures" / f"{name}{form}").stat().st_size > 3_000
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<figure") == 4
    assert "&lt;four&gt; atoms" in page
    assert "<four>" not in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "Theory held" in page
    assert "Everything that theory says of this model was measured to hold" in page
    assert "the column “bound” covers every rotation" in page
    assert "last column but two" not in page
    statement = {**result["verdict"]["statements"][0], "held": False, "outcome": "contradicted"}
    broken = {**result["verdict"], "held": False, "outcome": "contradicted", "statements": [statement]}
    assert "Theory not confirmed" in render_audit_report({**result, "verdict": broken})


def test_a_run_goes_on_without_running_the_network_again(run: tuple[Path, dict]) -> None:
    out, result = run
    model = Harmonics()
    again = audit(FRAMES, model, SETTINGS, out=out, resume=True)
    assert model.calls == 0
    assert {**again, "timings_s": 0} == {**result, "timings_s": 0}
    with pytest.raises(InputError, match="seed"):
        audit(
            FRAMES,
            model,
            AuditSettings(degrees=(1, 2), activations=("silu",), l_top=4, seed=1),
            out=out,
            resume=True,
        )
    with pytest.raises(InputError, match="exists already"):
        audit(FRAMES, model, SETTINGS, out=out)


def test_features_that_do_not_turn_are_found_out() -> None:
    settings = AuditSettings(parts=("readouts",), degrees=(1,), activations=())
    result = audit(FRAMES, Harmonics(error=1e-3), settings)
    assert not result["verdict"]["held"]
    readouts, symmetry, _ = result["verdict"]["statements"]
    assert not readouts["held"]
    assert not symmetry["held"]
    assert "above the ceiling" in result["verdict"]["sentence"]
    vector = next(row for row in result["equivariance"] if row["l_out"] == 1)
    # In degree 3 the planted pattern, a component of a sum S of harmonics: over rotations its mean square is |S|^2 / 7.
    pairs = POSITIONS[None] - POSITIONS[:, None]
    sums = np.array(
        [real_harmonics(3, np.delete(pairs[i], i, axis=0)).sum(axis=0) for i in range(len(POSITIONS))]
    )
    at_rest = sums[:, 1:4] + 1e-3 * sums[:, 9:10] * [1.0, 0.0, 0.0]
    expected = 1e-6 * (sums[:, 9:] ** 2).sum() / 7 / (at_rest**2).sum()
    assert vector["by_degree"][3] == pytest.approx(
        expected, rel=1e-9
    )  # rounding of 1e-16 of features of size 1 is 1e-13 of it
    # In degree 1 the error of the features at rest, which are turned; nothing elsewhere.
    assert vector["by_degree"][1] == pytest.approx(
        1e-6 * (sums[:, 9] ** 2).sum() / (at_rest**2).sum(), rel=1e-9
    )
    assert max(vector["by_degree"][0], vector["by_degree"][2]) < ROUNDING
    # Turned features cannot know of it: only turning the molecule shows that the symmetry is missed.
    above = {row["route"]: row["above"] for row in result["readouts"] if row["atom"] == 0}
    assert above["wigner"] < ROUNDING < 1e12 * ROUNDING < above["network"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"parts": ("rotations",)},
            "parts has 'rotations', expected different ones of features, readouts, directions",
        ),
        ({"parts": ()}, "parts has nothing"),
        ({"degrees": (0,)}, "degrees are [0], expected some between 1 and 6"),
        ({"activations": ("relu",)}, "activations has 'relu'"),
        ({"frames": 0}, "frames is 0, expected at least 1"),
        ({"l_top": 90}, "l_top is 90, expected 2 to 40"),
    ],
)
def test_wrong_settings_are_told(arguments: dict, words: str) -> None:
    with pytest.raises(InputError) as told:
        AuditSettings(**arguments)
    assert words in str(told.value)


def test_wrong_layers_and_atoms_are_told_before_any_work() -> None:
    model = Harmonics()
    with pytest.raises(InputError, match="no layer 'layer7' in harmonics; give one of layer0, or all"):
        audit(FRAMES, model, AuditSettings(layer="layer7"))
    with pytest.raises(InputError, match="atom 9 is not in the molecule, expected indices from 0 to 3"):
        audit(FRAMES, model, AuditSettings(atoms=(9,)))
    assert model.calls == 0


def test_an_audit_is_a_result_object(run: tuple[Path, dict], tmp_path: Path) -> None:
    out, result = run
    assert {**Audit.load(out), "timings_s": 0} == {
        **result,
        "timings_s": 0,
    }  # parts were computed again above
    check_result(result, Audit, tmp_path)
    changes = {
        "readouts[0].power": lambda c: c["readouts"][0].update(power="none"),
        "verdict lacks the field 'held'": lambda c: c["verdict"].pop("held"),
    }
    check_refusals(result, Audit, tmp_path, changes)
    spectra = result.rows("spectra", part="readouts", atom=0, readout="polynomial 1")
    wanted = result.rows(atom=0, readout="polynomial", degree=1)
    assert [row["power"] for row in spectra] == [power for row in wanted for power in row["power"]]


def test_plots_of_an_audit_take_their_options(run: tuple[Path, dict]) -> None:
    result = run[1]
    axes = Figure().subplots()
    result.plot("readouts", axes, layer="layer0")
    drawn = next(line for line in axes.lines if line.get_label() == "degree 1").get_ydata()
    largest = np.max(
        [row["power"] for row in result.rows(readout="polynomial", degree=1, route="network")], axis=0
    )
    np.testing.assert_array_equal(drawn, largest)  # shares this small are drawn as they are
    with pytest.raises(InputError, match="layer 'layer9' were measured, expected one of layer0"):
        result.plot("readouts", axes, layer="layer9")
    with pytest.raises(InputError, match="graph is 'star', expected one of full"):
        result.plot("tails", axes, graph="star")
    part = Audit({**result, "directions": []})
    assert part.plots == ("readouts", "features")
    with pytest.raises(InputError, match=r"no directions were measured; audit with parts=\('directions',\)"):
        part.plot("bandwidths", axes)


READOUTS = AuditSettings(parts=("readouts",), degrees=(1, 2), activations=(), untrained=False)


class Declared(Harmonics):
    """The same features with another parity declared, or in another number format."""

    def __init__(self, irreps: str = "1x0e+1x1o", dtype: type = np.float64) -> None:
        super().__init__()
        self.irreps, self.dtype = irreps, dtype

    def layers(self) -> list[Layer]:
        return [Layer("layer0", self.irreps)]

    def features(self, frames: Frames, layer: str) -> Features:
        values = super().features(frames, layer).values.astype(self.dtype)
        return Features(values.astype(np.float64), self.irreps, layer, float(np.finfo(self.dtype).eps))


def test_a_wrong_parity_is_a_finding_and_no_ceiling() -> None:
    result = audit(FRAMES, Declared("1x0e+1x1e"), READOUTS)
    jsonschema.validate(result, audit_schema())
    said = {one["name"]: one for one in result["verdict"]["statements"]}
    assert result["verdict"]["held"]
    assert said["equivariance"]["held"]
    assert not said["inversion"]["held"]
    # A vector that is odd, declared even: off by twice itself.
    assert said["inversion"]["worst"] == pytest.approx(2.0, rel=1e-12)


def test_float32_features_hold_to_what_float32_can_show() -> None:
    result = audit(FRAMES, Declared(dtype=np.float32), READOUTS)
    assert 1e-20 < max(row["above"] for row in result["readouts"]) < 1e-10
    assert result["verdict"]["held"]
    assert "where rounding could leave" in result["verdict"]["sentence"]


def test_a_symmetric_site_has_nothing_to_hold() -> None:
    corners = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.63
    methane = Frames(np.array([6, 1, 1, 1, 1]), corners[None], np.zeros((1, 5, 3)), None, "methane", "0" * 64, "eV")  # fmt: skip
    result = audit(methane, Harmonics(), READOUTS)
    jsonschema.validate(result, audit_schema())
    assert {(row["element"], row["site"], row["forbidden"]) for row in result["readouts"]} == {
        ("C", "Td", True), ("H", "C3v", False),
    }  # fmt: skip
    assert result["verdict"]["held"]
    assert "C0 (Td)" in result["verdict"]["sentence"]
    assert "nothing to hold" in result["verdict"]["sentence"]
