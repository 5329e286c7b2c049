"""The two themes: what is written on them can be read, and colours are told apart from them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from app.components.filter.filter_curve import STAND_IN_COLOURS
from app.components.shared.figures import ACCENT
from app.data.palette import CORE, DARK_PAGE, FILTERED, LIGHT_PAGE, UNASSIGNED, contrast

THEME = tomllib.loads((Path(__file__).parents[2] / "app" / ".streamlit" / "config.toml").read_text())["theme"]
BOTH = pytest.mark.parametrize("scheme", ["light", "dark"])


@BOTH
def test_text_and_links_reach_the_contrast_of_wcag_aa_on_every_ground(scheme):
    theme = THEME[scheme]
    grounds = [theme["backgroundColor"], theme["secondaryBackgroundColor"], *theme["sidebar"].values()]
    for ink in (theme["textColor"], theme["linkColor"]):
        assert min(contrast(ink, ground) for ground in grounds) >= 4.5


@BOTH
def test_buttons_and_marks_reach_the_contrast_of_wcag_for_graphics(scheme):
    page = THEME[scheme]["backgroundColor"]
    assert contrast(THEME[scheme]["primaryColor"], page) >= 3
    assert min(contrast(colour, page) for colour in (ACCENT, CORE, FILTERED)) >= 3


@BOTH
def test_the_white_words_of_a_button_reach_the_contrast_of_wcag_for_bold_ones(scheme):
    assert contrast("#ffffff", THEME[scheme]["primaryColor"]) >= 3
    assert contrast(THEME["dark"]["primaryColor"], THEME["dark"]["secondaryBackgroundColor"]) >= 3


@BOTH
def test_lines_of_figures_stand_out(scheme):
    page = THEME[scheme]["backgroundColor"]
    assert min(contrast(colour, page) for colour in (UNASSIGNED, *STAND_IN_COLOURS.values())) > 2


def test_the_palette_is_made_for_the_pages_that_the_theme_has():
    assert (THEME["light"]["backgroundColor"], THEME["dark"]["backgroundColor"]) == (LIGHT_PAGE, DARK_PAGE)
