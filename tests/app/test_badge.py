"""The supervision badge informs: one neutral tone for whatever there is to say, and a tooltip that explains it."""

import pytest
from streamlit.testing.v1 import AppTest

from app.components.shared.badge import explained


def drawn(direct: str, inherited: str, non_commercial: tuple[str, ...]) -> None:
    from app.components.shared import badge

    badge.show({"direct": direct, "inherited": inherited}, non_commercial)


@pytest.mark.parametrize("direct", ["none", "image labels", "text", "masks", "unknown"])
@pytest.mark.parametrize("inherited", ["none", "masks"])
def test_it_never_alarms_and_always_explains(direct, inherited):
    test = AppTest.from_function(drawn, args=(direct, inherited, ())).run()
    assert not test.exception
    (mark,) = test.markdown
    assert mark.value.startswith(":gray-badge[") and mark.proto.help == explained(direct, inherited)


def test_the_explanation_says_what_is_owed_to_labels_and_what_is_not_for_sale():
    assert explained("none", "none") == (
        "The pretrained networks that this run started from were trained without labels."
    )
    said = explained("masks", "image labels", ["basnet"])
    assert "needs no labels from you" in said and "trained with masks" in said and "do not report" in said
    assert "initial weights of these networks were trained with image labels" in said
    assert said.endswith("Not for commercial use: basnet.")
