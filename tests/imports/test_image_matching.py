import pytest

from comus_core.imports.image_matching import ImageIndex

INDEX = ImageIndex(
    [
        ("cats/1.jpg", "cats/1.jpg"),
        ("dogs/1.jpg", "dogs/1.jpg"),
        ("dogs/2.JPG", "dogs/2.JPG"),
        ("2007_000032", "JPEGImages/2007_000032.jpg"),
        ("Übung.png", "Übung.png"),
    ],
    exported=[("cats/1.jpg", "images/train/cats_1.png")],
)


@pytest.mark.parametrize(
    ("reference", "image_id"),
    [
        ("cats/1.jpg", "cats/1.jpg"),
        ("/home/me/photos/cats/1.jpg", "cats/1.jpg"),
        ("C:\\Users\\me\\cats\\1.jpg", "cats/1.jpg"),
        ("..\\..\\dogs\\1.png", "dogs/1.jpg"),
        ("file:///data/my%20photos/dogs/2.JPG", "dogs/2.JPG"),
        ("/data/local-files/?d=photos/dogs/1.jpg", "dogs/1.jpg"),
        ("https://host/bucket/dogs/2.JPG?token=1", "dogs/2.JPG"),
        ("/data/upload/7/1a2b3c4d-2.JPG", "dogs/2.JPG"),
        ("2.jpg", "dogs/2.JPG"),
        ("2", "dogs/2.JPG"),
        ("2007_000032.png", "2007_000032"),
        ("./2007_000032", "2007_000032"),
        ("U\u0308bung.png", "Übung.png"),
        ("cats_1", "cats/1.jpg"),
        ("train/cats_1.png", "cats/1.jpg"),
    ],
)
def test_an_image_is_found_by_the_longest_end_of_its_path(reference, image_id):
    assert INDEX.find(reference) == image_id


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("1.jpg", r"several images of the run fit \(cats/1.jpg, dogs/1.jpg\); write the longer path"),
        ("/elsewhere/1.png", "several images"),
        ("3.jpg", "no image of the run has this name"),
        ("", "no image of the run"),
        ("..", "no image of the run"),
    ],
)
def test_none_is_taken_where_several_fit_or_none(reference, words):
    with pytest.raises(ValueError, match=words):
        INDEX.find(reference)
