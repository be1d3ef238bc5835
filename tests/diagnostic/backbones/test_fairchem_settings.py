"""Names of fairchem models: what they mean, and what is refused with a sentence before anything is built."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.backbones.fairchem_grid import Grid
from spectral_ceilings.diagnostic.backbones.fairchem_settings import SHORT_NAMES, Conditions, parse_source
from spectral_ceilings.diagnostic.backbones.loading import load_backbone
from spectral_ceilings.theory import InputError

KEYS = st.sampled_from(["lmax", "mmax", "num_layers", "sphere_channels", "cutoff", "ff_type"])
VALUES = st.one_of(
    st.integers(-9, 99),
    st.floats(-9, 99, allow_nan=False).map(float),
    st.sampled_from(["grid", "spectral", "gate"]),
    st.booleans(),
    st.none(),
)


@given(
    st.dictionaries(KEYS, VALUES, min_size=1), st.integers(0, 2**63 - 1), st.sampled_from(sorted(SHORT_NAMES))
)
def test_options_come_back_as_they_were_written(options: dict[str, object], seed: int, name: str) -> None:
    text = ",".join(f"{key}={value}" for key, value in {**options, "seed": seed}.items())
    parsed = parse_source(f"fairchem:{name}:{text}")
    assert {key: parsed.backbone[key] for key in options} == options
    assert parsed.seed == seed
    assert parsed.file is None
    assert {key: value for key, value in parsed.backbone.items() if key not in options} == {
        key: value for key, value in SHORT_NAMES[name].items() if key not in options
    }


def test_task_charge_and_spin_are_no_arguments_of_the_model() -> None:
    parsed = parse_source("fairchem:uma:task=omat,charge=-1,spin=2,lmax=3")
    assert parsed.conditions == Conditions("omat", -1, 2)
    assert parsed.backbone["lmax"] == 3
    assert not {"task", "charge", "spin", "seed"} & set(parsed.backbone)
    assert parse_source("fairchem:uma-s-1p2:task=omol").model == "uma-s-1p2"


def test_spin_is_a_singlet_for_molecules_and_not_given_for_the_rest() -> None:
    assert Conditions("omol").of(("omol", "omat"), "m.pt") == Conditions("omol", 0, 1)
    assert Conditions("omat").of(("omol", "omat"), "m.pt") == Conditions("omat", 0, 0)
    assert Conditions(None, 1, 3).of(("omat",), "m.pt") == Conditions("omat", 1, 3)
    with pytest.raises(
        InputError, match=r"tasks omol, omat; name one of them, as in fairchem:m\.pt:task=omol"
    ):
        Conditions().of(("omol", "omat"), "m.pt")
    with pytest.raises(InputError, match="no task 'oc20', it has omol, omat"):
        Conditions("oc20").of(("omol", "omat"), "m.pt")


def test_a_file_of_arguments_is_read_and_its_folder_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text("model: escnmd_backbone\nlmax: 3\nmmax: 2\notf_graph: false\n")
    parsed = parse_source(f"fairchem:{path}:seed=4,lmax=4")
    assert parsed.name == "fairchem:small.yaml:seed=4,lmax=4"
    assert (parsed.backbone["model"], parsed.backbone["lmax"], parsed.backbone["mmax"]) == (
        "escnmd_backbone",
        4,
        2,
    )
    assert parsed.backbone["otf_graph"] is True  # each frame's graph is made from its own cell
    assert parsed.sha256 is not None
    path.write_text("backbone: {lmax: 1}\nheads: {energy: {module: M}}\n")
    assert parse_source(f"fairchem:{path}").heads == {"energy": {"module": "M"}}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("escn-md:lmax", "unknown"),
        ("escn-md:lmax=2,mmax", "'mmax' in .* is no option, expected key=value"),
        ("escn-md:lmax=2,=3", "no option"),
        ("escn-md:lmax=2,lmax=3", "'lmax' is given twice"),
        ("escn-md:cutoff=inf", "no finite number"),
        ("escn-md:otf_graph=false", "cannot be set"),
        ("escn-md:seed=-1", "seed is -1"),
        ("escn-md:seed=x", "seed is 'x'"),
        ("escn-md:charge=101", "charge is 101, expected an integer from -100 to 100"),
        ("escn-md:spin=1.5", "spin is 1.5"),
        (":lmax=2", "names no model"),
        ("none.yaml", "no configuration at"),
        ("none.pt", "no fairchem checkpoint at"),
    ],
)
def test_a_wrong_name_is_one_sentence(text: str, sentence: str) -> None:
    if sentence == "unknown":  # a name with a colon in it, which fairchem may know
        assert parse_source(f"fairchem:{text}").model == text
        return
    with pytest.raises(InputError, match=sentence):
        parse_source(f"fairchem:{text}")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("lmax: ${lmax}", "lmax is '.*', which another file fills in; write the value itself"),
        ("- 1", "holds no arguments by name"),
        ("a: [", "no readable YAML"),
        ("backbone: 3", "backbone and heads are no arguments by name"),
    ],
)
def test_a_wrong_configuration_is_one_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match=sentence):
        parse_source(f"fairchem:{path}")


def test_a_checkpoint_takes_the_conditions_only_and_needs_trust(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"x")
    assert parse_source(f"fairchem:{path}:task=omol").file == path
    with pytest.raises(InputError, match="'lmax' is no option of a checkpoint"):
        parse_source(f"fairchem:{path}:lmax=2")
    for source in (str(path), f"fairchem:{path}"):
        with pytest.raises(InputError, match=r"model\.pt is a fairchem checkpoint, a pickle.*--trust"):
            load_backbone(source)


@pytest.mark.parametrize("band", [1, 2, 3, 4, 6])
def test_the_default_grid_is_exact_to_one_above_twice_the_band(band: int) -> None:
    grid = Grid("atoms", 2 * band + 2, 2 * band + 3, band)
    assert grid.exact == 2 * band + 1
    assert grid.degree == (2 if band == 1 else 1)  # squares need 3 * band
    assert (grid.exact >= grid.needed(2)) == (band == 1)


@given(
    st.integers(1, 12).map(lambda n: 2 * n),
    st.integers(1, 24),
    st.integers(1, 6),
    st.sampled_from(["atoms", "edges"]),
)
def test_the_degree_of_a_grid_is_the_highest_whose_condition_holds(
    polar: int, azimuthal: int, band: int, where: str
) -> None:
    grid = Grid(where, polar, azimuthal, band)  # type: ignore[arg-type]
    assert grid.needed(grid.degree + 1) > grid.exact
    assert grid.degree == 1 or grid.needed(grid.degree) <= grid.exact
