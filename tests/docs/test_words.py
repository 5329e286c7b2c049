"""No text that a user reads uses a word that `docs/glossary.md` avoids."""

import re
from pathlib import Path

import pytest

from tests.docs.visible_texts import ROOT, all_texts, markdown_texts, markup_texts, python_texts, script_texts

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")


def table(heading):
    """Rows of a table of the glossary, without its head."""
    section = GLOSSARY.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return rows[2:]


AVOIDED = dict(table("Avoided words"))
TEXTS = list(all_texts())
EXCEPTIONS = [(lines.strip("`"), word) for lines, word, _ in table("Exceptions")]
PATTERN = {
    word: re.compile(r"(?<![\w/.-])" + r"\s+".join(word.split()) + r"s?(?![\w/-]|\.\w)", re.IGNORECASE)
    for word in AVOIDED
}


def avoided_in(words):
    """(word, offset) of every avoided word in a text."""
    return [(word, match.start()) for word, pattern in PATTERN.items() for match in pattern.finditer(words)]


def exceptions_for(path, line, word):
    for lines, excepted in EXCEPTIONS:
        where, _, numbers = lines.partition(":")  # without numbers: the whole file
        first, last = map(int, numbers.split("-")) if numbers else (line, line)
        if (where, excepted) == (path, word) and first <= line <= last:
            yield lines, excepted


def mentions():
    """(path, line, word, the words around it) of every avoided word."""
    for text in TEXTS:
        for word, offset in avoided_in(text.words):
            around = " ".join(text.words[max(0, offset - 50) : offset + 60].split())
            yield text.path, text.line + text.words.count("\n", 0, offset), word, around


def faults():
    """One line a fault: where it is, the word, and what to write."""
    for path, line, word, around in mentions():
        if not any(exceptions_for(path, line, word)):
            yield f"{path}:{line}: '{word}' → {AVOIDED[word]}: {around}"


def test_no_visible_text_uses_an_avoided_word():
    uses = sorted(set(faults()))
    assert not uses, f"{len(uses)} texts use a word that docs/glossary.md avoids:\n" + "\n".join(uses)


def test_every_exception_is_needed():
    used = {one for path, line, word, _ in mentions() for one in exceptions_for(path, line, word)}
    assert set(EXCEPTIONS) == used


def test_terms_are_in_order_and_use_no_avoided_word_themselves():
    terms = [term.casefold() for term, _ in table("Terms")]
    assert terms == sorted(terms) and len(terms) > 30
    assert set(terms) & set(AVOIDED) == set()


@pytest.mark.parametrize(
    ("reader", "source", "shown", "hidden"),
    [
        (python_texts, 'st.button("No picture here")', True, False),
        (python_texts, 'counted(n, "picture")', True, False),
        (python_texts, 'f"Open {len(rows)} pictures"', True, False),
        (python_texts, 'raise ValueError(f"{n} of a " "picture")', True, False),
        (python_texts, 'WORDS = {"mode": "the picture"}', True, False),
        (python_texts, "@cli.command()\ndef show():\n    'Show a picture.'", True, False),
        (python_texts, "@settings\nclass A:\n    x: int\n    'The picture.'", True, False),
        (python_texts, 'draw(f"<a title=\\"a picture\\">")', True, False),
        (python_texts, "def show():\n    'Show a picture.'", False, True),
        (python_texts, 'row["picture"] == "picture"', False, True),
        (python_texts, 'show(key="picture", url="picture/1", id="my_picture")', False, True),
        (python_texts, 'st.button("Go", key="picture"); serve("picture")', False, True),
        (python_texts, "f\"{n} {'picture' if n == 1 else 'many'}\"", True, False),
        (python_texts, 'draw("<a class=\\"picture\\">")', False, True),
        (python_texts, 'query("SELECT picture FROM t")', False, True),
        (script_texts, "label.title = `The picture of ${name}` // not read", True, False),
        (script_texts, "const picture = 1 // a picture", False, True),
        (markup_texts, '<button title="A picture">', True, False),
        (markup_texts, '<div class="picture"></div>', False, True),
        (markdown_texts, "A\n\npicture.", True, False),
        (markdown_texts, "`picture` [x](picture.png)\n\n    picture\n", False, True),
    ],
)
def test_what_is_read_as_a_text(reader, source, shown, hidden):
    words = [word for _, text in reader(source) for word, _ in avoided_in(text)]
    assert ("picture" in words) is shown is not hidden


def test_a_fault_names_its_line():
    (line, text), *_ = [one for one in markdown_texts("# A\n\none\ntwo picture\n") if "picture" in one[1]]
    assert line + text.count("\n", 0, text.index("picture")) == 4
    assert [line for line, text in python_texts('a = 1\nb = ("x "\n  "told")') if "told" in text] == [2]


def test_every_room_is_read():
    rooms = {Path(text.path).parts[0] for text in TEXTS}
    assert rooms == {"comus_core", "app", "pages", "docs", "README.md"}
