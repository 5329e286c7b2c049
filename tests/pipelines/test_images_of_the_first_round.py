"""Which images must be the files they were because of what a person drew in them."""

from comus_core.pipelines.first_round import _drawn_in
from comus_core.workspace.layout import Layout


def test_an_image_whose_drawn_objects_are_erased_or_that_is_excluded_is_not_learned():
    drawn = {"a#d1": 0, "a#d2": 1, "b#d1": 0, "c/x#d1": 2, "e#d1": 1}
    layout = Layout(drawn=drawn, erased={"a#d1", "b#d1"}, excluded={"e"})
    assert _drawn_in(layout) == {"a", "c/x"}
