"""Which mask belongs to which image."""

import unicodedata

import pytest

from comus_core.datasets.mask_pairing import pair
from comus_core.errors import DatasetError

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Käse") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("images", "masks", "mask_of", "without"),
    [
        (["a.jpg"], ["a.png"], {"a.jpg": "a.png"}, ()),
        (["a.jpg", "b.jpg"], ["a.png", "b.jpg.png"], {"a.jpg": "a.png", "b.jpg": "b.jpg.png"}, ()),
        ([COMPOSED + ".jpg"], [DECOMPOSED + ".png"], {COMPOSED + ".jpg": DECOMPOSED + ".png"}, ()),
        (["IMG.JPG"], ["img.png"], {"IMG.JPG": "img.png"}, ()),
        (["IMG.JPG", "img.jpg"], ["img.png", "IMG.png"], {"IMG.JPG": "IMG.png", "img.jpg": "img.png"}, ()),
        (["s/a.jpg", "a.jpg"], ["s/a.png"], {"s/a.jpg": "s/a.png"}, ()),
        (["s/a.jpg"], ["a.png", "lost.png"], {}, ("a.png", "lost.png")),
        # The whole name leaves no doubt whose a.jpg.png is, and so whose a.png is.
        (["a.jpg", "a.png"], ["a.jpg.png", "a.png"], {"a.jpg": "a.jpg.png", "a.png": "a.png"}, ()),
    ],
)
def test_each_image_finds_its_mask(images, masks, mask_of, without):
    found = pair(images, masks)
    assert (found.mask_of, found.without_image) == (mask_of, without)


@pytest.mark.parametrize(
    ("images", "masks", "words"),
    [
        (["a.jpg", "a.png"], ["a.png"], r"mask a\.png matches 2 images \(a\.jpg, a\.png\): name it like .*a\.jpg\.png"),
        (["a.jpg"], ["a.png", "a.jpg.png"], r"image a\.jpg has 2 masks \(a\.jpg\.png, a\.png\)"),
        (["a.jpg"], ["a.png", "A.png"], r"image a\.jpg has 2 masks \(A\.png, a\.png\)"),
        ([COMPOSED + ".jpg"], [COMPOSED + ".png", DECOMPOSED + ".png"], "has 2 masks"),
        (["IMG.jpg", "Img.jpg"], ["img.png"], r"mask img\.png matches 2 images"),
    ],
)
def test_what_fits_several_is_refused_by_name(images, masks, words):
    with pytest.raises(DatasetError, match=words):
        pair(images, masks)
