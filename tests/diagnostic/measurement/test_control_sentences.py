"""The sentence of a control says what its numbers show, and nothing else."""

import pytest

from spectral_ceilings.diagnostic.measurement.control_sentences import unrotated_sentence, untrained_sentence


@pytest.mark.parametrize(
    ("inside", "outside", "said", "unsaid"),
    [
        (0.982, 0.966, "the cliff vanishes", "turns by itself"),
        (0.84, 0.17, "most of the cliff stays", "vanishes"),
        (0.84, 0.001, "the cliff stays", "vanishes"),
        (0.9, 0.5, "much of the cliff is gone", "vanishes"),
        (0.02, 0.01, "shows nothing", "cliff vanishes"),
    ],
)
def test_stored_frames_are_told_by_what_they_show(
    inside: float, outside: float, said: str, unsaid: str
) -> None:
    sentence = unrotated_sentence({4: inside, 5: outside}, 4)
    assert f"R² = {inside:.3f} at l = 4 and {outside:.3f} at l = 5" in sentence
    assert said in sentence
    assert unsaid not in sentence


@pytest.mark.parametrize(
    ("orientations", "said", "unsaid"),
    [
        (60.0, "the molecule turns by itself (they count like 60 independent orientations)", "need not"),
        (1.2, "On other frames that hardly turn it need not", "turns by itself"),
        (None, "On other frames that hardly turn it need not", "turns by itself"),
    ],
)
def test_a_cliff_that_stays_is_explained_by_how_the_frames_stand(
    orientations: float | None, said: str, unsaid: str
) -> None:
    """rMD17 ethanol tumbles by itself, .84 -> .17; frames that do not must not be said to."""
    sentence = unrotated_sentence({4: 0.84, 5: 0.17}, 4, orientations)
    assert said in sentence
    assert unsaid not in sentence


@pytest.mark.parametrize(
    ("inside", "outside", "said"),
    [
        (0.876, -0.0002, "not its place"),
        (0.05, 0.0, "does not show where"),
        (0.876, 0.4, "look for an error first"),
    ],
)
def test_an_untrained_backbone_shows_the_place_only_where_there_is_a_cliff(
    inside: float, outside: float, said: str
) -> None:
    sentence = untrained_sentence({4: inside, 5: outside}, 4)
    assert said in sentence
    assert ("not its place" in sentence) is (said == "not its place")


def test_nothing_above_the_ceiling_is_no_cliff() -> None:
    assert "shows nothing" in unrotated_sentence({3: 0.99, 4: 0.98}, 4)
    assert "does not show where" in untrained_sentence({3: 0.99, 4: 0.98}, 4)
    assert "every l asked for lies below" in unrotated_sentence({0: 1.0}, 4)
