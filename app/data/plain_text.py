"""Text that a person, a file or a colleague's bundle gave, where Streamlit reads Markdown: it is shown as it stands.

Markdown is read in every label, tooltip, caption, message and toast, and in the options of segmented controls; not in
the options of select boxes, in data frames, in text fields and in `st.code`, where escapes would be seen. HTML has
`html.escape`. No Streamlit.
"""

from __future__ import annotations

import re

# What Markdown acts on: an underscore not within a word, a colon before one (a directive), and the rest anywhere.
ACTIVE = re.compile(r"[\\`*\[\]<$~&]|(?<![^\W_])_|_(?![^\W_])|:(?=[A-Za-z\u2060])")
CODE = re.compile(r"`([^`\n]+)`")
# Read in plain text even behind a backslash: web addresses, mail addresses, emoji such as :dog:, arrows and dashes.
JOINER = "\u2060"  # no width, no meaning: it only keeps letters from being read together
TOGETHER = (
    (re.compile(r"(https?:)(?=//)|(www)(?=\.)", re.IGNORECASE), rf"\g<0>{JOINER}"),
    (re.compile(r"(?<=[-.\w+])(?=@)"), JOINER),
    (re.compile(r":(?=[-+a-z0-9_]+:|material/)"), f":{JOINER}"),
    (re.compile(r"(?<!\S)(<->|->|<-|--|>=|<=|~=)(?!\S)"), lambda match: JOINER.join(match.group())),
)
START = re.compile(r"^(\d*)([-+=.)#>])")  # of a list, a heading, a quotation, or the line under a heading


def plain(text: str) -> str:
    """Given text, such as a name, as Markdown that shows it letter by letter; line breaks become spaces."""
    text = " ".join(str(text).split())
    for pattern, apart in TOGETHER:
        text = pattern.sub(apart, text)
    text = ACTIVE.sub(r"\\\g<0>", text)
    return START.sub(r"\1\\\2", text)


def code(text: str) -> str:
    """Given text, such as an id or a path, in the typeface of code."""
    text = " ".join(str(text).split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    inside = f" {text} " if text.startswith("`") or text.endswith("`") or not text else text
    return f"{fence}{inside}{fence}"


def sentence(text: object) -> str:
    """A fault's sentence: its `commands` stay code, all else, such as the names and files in it, is plain."""
    words, at = [], 0
    text = str(text)
    for match in CODE.finditer(text):
        words += [_spaced(text[at : match.start()]), match.group()]
        at = match.end()
    return "".join([*words, _spaced(text[at:])])


def _spaced(text: str) -> str:
    """`plain`, with the spaces at both ends."""
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return (" " if before else "") + plain(text) + (" " if after and text.strip() else "")
