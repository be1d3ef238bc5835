"""What does not fit the frames or the memory is refused with both numbers, before any work."""

import pytest

from spectral_ceilings.diagnostic.measurement import limits
from spectral_ceilings.diagnostic.measurement.limits import (
    check_readouts,
    coefficients_kept,
    equivariant_limit,
    free_limit,
)
from spectral_ceilings.diagnostic.measurement.settings import DiagnoseSettings
from spectral_ceilings.diagnostic.readouts.compute import Compute
from spectral_ceilings.theory import InputError

from single_directions import single_direction


def blocks(l_max: int):
    return list(single_direction(l_max, l_max, 30, 0)[0].blocks())


def test_the_default_limit_gives_way_to_one_channel_of_each_irrep() -> None:
    # l <= 4: 25 components, C(25 + 3, 3) = 3276.
    assert free_limit(blocks(4), 3, None, 20_000) == 3276
    assert coefficients_kept(blocks(4), 3, 3276) == 3276
    assert free_limit(blocks(2), 3, None, 20_000) == 1400


def test_too_few_frames_are_refused_with_both_numbers() -> None:
    with pytest.raises(InputError, match="at least 3276 coefficients, more than the 3000 uses"):
        free_limit(blocks(4), 3, None, 3000)
    with pytest.raises(InputError, match=r"coefficients at l = .*in 1 training frames; give at least"):
        equivariant_limit(blocks(4), 3, DiagnoseSettings(), 1)


def test_a_limit_asked_for_is_kept_or_refused() -> None:
    assert free_limit(blocks(4), 2, 700, 20_000) == 700
    with pytest.raises(InputError, match="at least 3276 coefficients, more than the limit 1400"):
        free_limit(blocks(4), 3, 1400, 20_000)


def test_memory_lowers_the_workers_and_then_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = DiagnoseSettings(degrees=(3,), readouts=("free",), controls=False)
    many = Compute(workers=8)
    monkeypatch.setattr(limits, "available_memory", lambda: int(64e9))
    assert check_readouts(blocks(4), settings, 1000, many).workers == 8
    # 3276 coefficients: 5 matrices of 86 MB and 12 x 244 columns, 0.5 GB each.
    monkeypatch.setattr(limits, "available_memory", lambda: int(2.8e9))
    assert 1 <= check_readouts(blocks(4), settings, 1000, many).workers <= 3
    monkeypatch.setattr(limits, "available_memory", lambda: int(1.5e9))
    with pytest.raises(InputError, match=r"needs about 1\.7 GB of memory and 1\.5 GB are free"):
        check_readouts(blocks(4), settings, 1000, many)


def test_degree_four_is_free_only() -> None:
    settings = DiagnoseSettings(degrees=(2, 4))
    assert settings.closed_forms(2) == ["free", "equivariant"]
    assert settings.closed_forms(4) == ["free"]
    check_readouts(blocks(2), settings, 1000, Compute())
