"""The words that the pages explain: those of docs/glossary.md, each on the pages where it heads something."""

import re

import pytest

from app.data import glossary
from tests.app.serving import ROOT
from tests.app.test_frame import texts

EXPLAINED = ("distance", "core", "proposal", "uncertainty", "affinity")


def of_the_document() -> dict[str, str]:
    section = (ROOT / "docs" / "glossary.md").read_text().split("\n## Terms\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| (.+?) \| (.+) \|$", section, re.MULTILINE)[2:])


def said(test) -> str:
    """All that is on a page, the texts behind each "?" among it."""
    return "\n".join(str(getattr(block, "proto", "")) for block in test.main)


def test_the_pages_have_the_words_of_the_document():
    assert glossary.terms() == of_the_document() and len(glossary.terms()) > 40


def test_a_word_is_found_alone_and_among_others():
    assert glossary.entry_of("core") == glossary.entry_of("Filtered") == "core / filtered"
    assert glossary.entry_of("mIoU") == "IoU, mIoU"
    with pytest.raises(KeyError, match=r"'kernel' is not in docs/glossary\.md"):
        glossary.term_help("kernel")


@pytest.mark.parametrize("term", EXPLAINED)
def test_a_question_mark_says_one_sentence_and_links_to_the_glossary(term):
    words, meaning = glossary.term_help(term), of_the_document()[glossary.entry_of(term)]
    assert words == f"**{glossary.entry_of(term)}**: {meaning} [Glossary](glossary?term={term})"
    assert glossary.term_title(term) == meaning and meaning.count(". ") == 0


def test_the_named_term_comes_first_and_a_search_keeps_it(app_test):
    test = app_test("glossary", term="filtered")
    listed = re.findall(r"<dt( data-named)?>([^<]+)</dt>", texts(test))
    assert not test.exception and listed[0] == (" data-named", "core / filtered")
    assert [term for _, term in listed[1:]] == [t for t in glossary.terms() if t != "core / filtered"]
    test.text_input(key="glossary_search").set_value("affinity").run()
    found = [term for _, term in re.findall(r"<dt( data-named)?>([^<]+)</dt>", texts(test))]
    assert not test.exception and found == ["core / filtered", "affinity"]
    test.query_params["term"] = "nothing <b>"
    assert not test.run().exception and "data-named>" not in texts(test)


@pytest.mark.parametrize(
    ("page", "terms"),
    [
        ("filter", ("core", "distance", "filter", "coverage", "core precision")),
        ("explore", ("proposal", "cluster")),
        ("clusters", ("core", "distance", "uncertainty")),
        ("image", ("proposal", "distance", "core", "saliency")),
    ],
)
def test_the_pages_explain_the_words_that_head_something(app_test, page, terms):
    test = app_test(page)
    assert not test.exception
    for term in terms:
        assert f"glossary?term={term.replace(' ', '+')}" in said(test), term


def test_the_map_explains_what_it_is_coloured_by(app_test):
    test = app_test("explore", colour="distance")
    assert "glossary?term=distance" in said(test)
