from comus_core.text import counted


def test_one_is_singular_and_thousands_are_parted():
    assert counted(1, "proposal") == "1 proposal"
    assert counted(0, "proposal") == "0 proposals"
    assert counted(1200, "image") == "1,200 images"
    assert (counted(1, "class", "classes"), counted(2, "class", "classes")) == ("1 class", "2 classes")
