"""A figure's files, downloaded in a real browser and read again."""

from __future__ import annotations

import csv
import re
from xml.etree import ElementTree

import pytest
from PIL import Image

from comus_core.pipelines.model_selection import badge
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.core_curves import curve_of
from comus_core.workspace.decisions import Decisions
from tests.app.serving import settle

pytestmark = pytest.mark.browser


def downloaded(page, button):
    with page.expect_download(timeout=120_000) as download:
        button.click()
    return download.value


def test_a_curve_is_saved_as_svg_png_and_csv(page, address, shown):
    page.goto(f"{address}filter")
    settle(page, "Pixel accuracy")
    files = page.locator(".st-key-filter_curve_files")
    run, owed = shown[1], badge(shown[1].provenance["supervision"])

    svg = downloaded(page, files.get_by_role("button", name="as SVG"))
    assert svg.suggested_filename == f"{run.id}-filter_curve.svg"
    root = ElementTree.parse(svg.path()).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    said = re.sub(r"\s+", " ", " ".join(root.itertext()).replace("\xa0", " "))
    for words in ("Filter curve", "filter (%)", "mIoU, precision, kept (%)", run.id, owed):
        assert words in said, words

    png = downloaded(page, files.get_by_role("button", name="as PNG"))
    with Image.open(png.path()) as picture:
        assert picture.format == "PNG" and picture.width == 1800
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 20, "an empty sheet"

    with open(
        downloaded(page, files.get_by_role("button", name="CSV")).path(), newline="", encoding="utf-8-sig"
    ) as file:
        rows = list(csv.DictReader(file))
    points = curve_of(open_run_view(*shown), Decisions(filter_percent=run.config.filter_percent))
    assert [float(row["miou"]) for row in rows] == [point.miou for point in points]
    assert {row["supervision"] for row in rows} == {owed}
