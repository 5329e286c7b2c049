"""The palette's promises, with its own colour arithmetic checked against published values first."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from app.data.palette import DARK_PAGE, LIGHT_PAGE, UNASSIGNED, VISION, colours, contrast, oklab


def nearest(hex_colours, vision="normal") -> float:
    lab = oklab(hex_colours, vision)
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(lab, 2))


def test_oklab_agrees_with_the_published_values_of_white_and_the_primaries():
    published = [[1, 0, 0], [0.6279, 0.2249, 0.1258], [0.8664, -0.2339, 0.1795], [0.4520, -0.0325, -0.3115]]
    assert oklab(["#ffffff", "#ff0000", "#00ff00", "#0000ff"]) == pytest.approx(np.array(published), abs=2e-4)


def test_contrast_agrees_with_the_wcag_figures_for_black_white_and_grey():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == contrast("#ffffff", "#777777") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("vision", VISION)
def test_every_vision_sees_greys_as_they_are(vision):
    assert oklab(["#404040", "#c0c0c0"], vision) == pytest.approx(oklab(["#404040", "#c0c0c0"]), abs=1e-4)


def test_eighty_colours_are_apart_and_from_the_grey_of_unassigned():
    assert nearest([*colours(80), UNASSIGNED]) > 0.06  # about three just noticeable differences


@pytest.mark.parametrize("vision", VISION)
def test_the_first_ten_are_apart_for_colour_blind_eyes_too(vision):
    assert nearest(colours(10), vision) > 0.07


def test_every_colour_stands_out_on_the_light_and_on_the_dark_page():
    assert all(contrast(colour, page) > 1.7 for colour in colours(80) for page in (LIGHT_PAGE, DARK_PAGE))


@pytest.mark.parametrize("n", [0, 1, 6, 7, 80, 300])
def test_a_category_keeps_its_colour_when_there_are_more(n):
    assert colours(n) == colours(300)[:n]
    assert len(set(colours(n))) == n


def test_more_categories_than_colours_start_the_sequence_again():
    many = colours(5000)
    assert len(many) == 5000
    assert len(set(many)) > 2000
