"""Networks of random weights on a periodic liquid: the cliff stands at d x L for every element."""

from __future__ import annotations

import pytest

from spectral_ceilings.diagnostic.backbones.backbone import Backbone, BackboneInfo
from spectral_ceilings.diagnostic.diagnosis import diagnose
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading_any import read_data
from spectral_ceilings.diagnostic.measurement.result import select
from spectral_ceilings.diagnostic.measurement.settings import DiagnoseSettings


def nequip(l_max: int) -> Backbone:
    pytest.importorskip("nequip", reason="the extra 'nequip' is not installed")
    from spectral_ceilings.diagnostic.backbones import nequip_model as made

    settings = made.NequIPSettings(
        ("H", "O"), l_max=l_max, r_max=4.0, num_layers=2, num_features=8, avg_num_neighbors=20.0
    )
    info = BackboneInfo("random weights", "nequip", trained=False)
    return made.NequIPBackbone(made.build_nequip(settings), settings.type_names, settings.r_max, info)


def mace(l_max: int) -> Backbone:
    pytest.importorskip(
        "mace", reason="the extra 'mace' is not installed (it needs an environment of its own)"
    )
    from spectral_ceilings.diagnostic.backbones import mace_model as made

    settings = made.MACESettings(
        ("H", "O"), l_max=l_max, r_max=4.0, num_layers=2, num_features=8, avg_num_neighbors=20.0
    )
    info = BackboneInfo("random weights", "mace", trained=False)
    return made.MACEBackbone(made.build_mace(settings), settings, info)


@pytest.fixture(scope="module")
def water() -> Frames:
    """Forty frames of sixteen molecules in a box."""
    data = read_data("water-box-xtb")
    assert isinstance(data, Frames)
    assert data.periodic
    return data.select(range(0, 80, 2))


@pytest.mark.parametrize("build", [nequip, mace])
def test_the_cliff_of_every_element_is_where_the_null_band_begins(build, water: Frames) -> None:
    """Up to d x L the interval of R2 lies above what a fit to targets of other orientations gives; above, it does not.

    The null band is what the same readout recovers of fields that the features know nothing of, in the same rows: there is no
    other tolerance. Of two degrees and two elements it is 4 intervals above the ceiling at each l.
    """
    l_max = 1
    settings = DiagnoseSettings(
        degrees=(1, 2), l_top=4, environments=500, bootstrap=200, coefficients=200, injections=("density",),
        readouts=("free",),
    )  # fmt: skip
    result = diagnose(water, build(l_max), settings, untrained=False)
    scopes = [pool["scope"] for pool in result["data"]["environments"]]
    assert scopes == ["element:H", "element:O"]
    for degree in (1, 2):
        for scope in scopes:
            rows = select(result["recovery"], scope=scope, degree=degree, readout="free", direction="fixed")
            # a constant, l = 0, has no orientation that could be another
            assert [(row["l"], row["null_high"] is None) for row in rows] == [(l, l == 0) for l in range(5)]
            seen = [row["l"] for row in rows[1:] if row["r2_low"] > row["null_high"]]
            assert seen == list(range(1, degree * l_max + 1)), (scope, degree)
