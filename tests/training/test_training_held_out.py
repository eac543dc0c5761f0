"""The items held out are those of the hash split, and both babels can be compared on them."""

from polyvalues.data.concepts import CONCEPTS
from training.babel.text import languages
from training.babel.text import test_items as held_out_items


def test_what_is_held_out_is_the_test_split_and_nothing_else() -> None:
    held = held_out_items()
    assert {concept for concept, _ in held} == {concept.name for concept in CONCEPTS}
    everything, kept = languages(hold_out=False), languages(hold_out=True)
    for tag in ("en", "ny"):
        assert len(everything[tag].judged) - len(kept[tag].judged) == 2 * len(held)
        assert len(everything[tag].sides) == len(kept[tag].sides)
