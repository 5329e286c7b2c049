"""Names that people, files and colleagues' bundles give are shown as they stand: no Markdown, no HTML, no escapes."""

import re
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from app.components.shared.figure_files import frame, printed
from app.data.figure_text import literal
from app.data.plain_text import JOINER, code, plain, sentence
from comus_core import curation, discover, make_config, open_workspace
from comus_core.errors import SettingsError
from comus_core.runs.run_view import open_run_view
from tests.app.serving import serving, settle
from tests.app.working import by_key, ended_job, open_app
from tests.builders import draw_folder, write_vectors

HOST = "fetched.invalid"
EVIL = f"![p](http://{HOST}/p.png) <b>x</b> `c` :red[r] *s*"
FILE = "![f](f.png) `c` *s* <b>.png"
SHOWN = (
    "explore",
    "clusters",
    "name_clusters",
    "filter",
    "scores",
    "image",
    "training",
    "predict",
    "compare",
    "images",
    "new_run",
    "export",
    "import_file",
    "objects",
)


@pytest.mark.parametrize(("text", "shown"), [
    ("cat", "cat"),
    ("*a* [b](c) _d_ `e` <i> $f$ #g ~h~ a|b &lt;", r"\*a\* \[b\](c) \_d\_ \`e\` \<i> \$f\$ #g \~h\~ a|b \&lt;"),
    ("back\\slash", r"back\\slash"),
    ("1. first", r"1\. first"),
    ("- item", r"\- item"),
    ("2024", "2024"),
    ("# head", r"\# head"),
    ("> said", r"\> said"),
    ("my_photos/a.png#0: 3 of 4", "my_photos/a.png#0: 3 of 4"),
    ("two\n\nparts", "two parts"),
    (":red[x]", r"\:red\[x\]"),
    (":dog: and :material/home:", rf"\:{JOINER}dog: and \:{JOINER}material/home:"),
    ("http://a.b and www.a.b", rf"http\:{JOINER}//a.b and www{JOINER}.a.b"),
    ("me@a.b", f"me{JOINER}@a.b"),
    ("a -> b, c-d", f"a -{JOINER}> b, c-d"),
])  # fmt: skip
def test_markdown_in_given_words_is_only_text(text, shown):
    assert plain(text) == shown


@pytest.mark.parametrize(("text", "shown"), [
    ("a_b", "`a_b`"), ("a`b", "``a`b``"), ("``", "``` `` ```"), ("`a", "`` `a ``"), ("![x](y)", "`![x](y)`"),
])  # fmt: skip
def test_code_ends_where_it_should(text, shown):
    assert code(text) == shown


def test_the_commands_in_a_fault_stay_code_and_what_it_names_is_plain():
    fault = SettingsError(f"no run '{EVIL}': `comus runs` lists them")
    assert "`comus runs` lists them" in sentence(fault) and not markup(sentence(fault))
    assert sentence("a `b` c") == "a `b` c" and sentence("*") == r"\*"


def markup(text: str) -> list[str]:
    """What of the given names Markdown would act on, code spans left out."""
    rest = re.sub(r"(?<!\\)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", text, flags=re.DOTALL)
    return re.findall(r"(?<!\\)(?:\[p\]|\]\(|<b>|\*s\*|:red\[r)|(?<!\\)\[f|(?<!\\)`", rest)


def markdown_of(test) -> list[str]:
    """Every text of a page that Streamlit reads as Markdown."""
    found: list[str] = []
    nodes = [test._tree]
    while nodes:
        node = nodes.pop()
        if getattr(node, "proto", None) is not None:
            collect(node.proto, type(node.proto).__name__, found)
        nodes += list(getattr(node, "children", {}).values())
    return found


GLOSSARY = r" \[Glossary\]\(glossary\?term=[\w+]+\)$"  # the link at the end of what a "?" says, which is ours
LITERAL = {"Html", "Code", "Dataframe", "PlotlyChart", "BidiComponent", "Json"}  # they read no Markdown
READ = {"body", "label", "help", "content", "caption", "captions", "text", "title", "delta", "error"}


def collect(message, kind: str, found: list[str]) -> None:
    """Texts in the Markdown fields of an element's record, down to its options."""
    if kind in LITERAL or not hasattr(message, "ListFields"):
        return
    for field, value in message.ListFields():
        for part in value if field.is_repeated else (value,):
            if isinstance(part, str):
                found += [part] if field.name in READ else []
            elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
                collect(part, field.message_type.name, found)


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    """(workspace, run) whose name, note, categories, classes and files are all Markdown; and another named so."""
    root = tmp_path_factory.mktemp("evil")
    folder = draw_folder(root / "*s* [d](d)", count=12, empty=1)
    for name in ("images", "masks"):
        (folder / name / "000.png").rename(folder / name / FILE)
    (folder / "classes.txt").write_text(f"background\n{EVIL}\nsquare\n*s*\n")
    vectors = write_vectors(folder, root / "vectors.npz")
    workspace = open_workspace(root / "w")
    run = discover(
        make_config(
            dataset=str(folder),
            saliency={"detector": f"masks:{folder / 'masks'}"},
            features={"encoder": f"file:{vectors}"},
            clustering={"clusters": 3, "neighbours": 4},
        ),
        workspace,
    )
    run = workspace.runs.describe(run.id, name=EVIL, note=f"{EVIL}\n\n# heading")
    view = open_run_view(workspace, run)
    for cluster in range(3):
        curation.rename(view, cluster, f"{EVIL}{cluster}")
    workspace.runs.add(replace(run, id="other", name=f"{EVIL} 2"))
    workspace.decisions.append("other", run.artifacts["clustering"], "filter", percent=20.0)
    ended_job(workspace, "failed", error=f"{EVIL}: `comus runs`")
    return workspace, run


@pytest.mark.parametrize("page", [*SHOWN, "jobs"])
def test_no_page_reads_a_name_as_markdown_or_html(monkeypatch, evil, page):
    workspace, run = evil
    more = {"proposal": f"images/{FILE}#0"} if page == "image" else {}
    test = open_app(monkeypatch, workspace, page, run=run.id, **more)
    assert not test.exception
    sides = [test]
    if page == "jobs":
        for side in ("runs", "disk"):
            picker = next(
                g for g in open_app(monkeypatch, workspace, page).get("button_group") if g.key == "jobs_or_runs"
            )
            sides.append(picker.set_value(side).run())
            assert not sides[-1].exception
    shown = [text for side in sides for text in markdown_of(side)]
    assert [text for text in shown if markup(re.sub(GLOSSARY, "", text))] == []
    html = "".join(part.proto.body for side in sides for part in side.get("html"))
    assert "<b>x</b> `c` :red" not in html and '"f.png) `c` *s* <b>' not in html
    named = sum(HOST in text for text in shown) + html.count(HOST)
    assert named or page in ("images", "new_run"), "the page names nothing, so it was no test"


def test_a_figure_reads_no_tag_in_a_name_and_its_table_holds_the_name():
    link = '<a href="http://fetched.invalid">a & b</a>'
    figure = go.Figure(go.Bar(x=[1.0, 2.0], y=[link, "cat"], name=link)).add_scatter(x=[1], y=[2], text=[link])
    shown = literal(figure)
    safe = '&lt;a href="http://fetched.invalid"&gt;a &amp; b&lt;/a&gt;'
    assert (shown.data[0].y, shown.data[0].name, shown.data[1].text) == ((safe, "cat"), safe, (safe,))
    assert tuple(shown.data[0].x) == (1.0, 2.0) and figure.data[0].y == (link, "cat")
    assert printed(figure, "t", None).data[0].name == safe and frame(figure)["y"][0] == link


def test_a_toast_shows_no_escapes(monkeypatch, evil, tmp_path):
    """Escaped twice, the backslashes would be seen."""
    import shutil

    shutil.copytree(evil[0].root, tmp_path / "w")
    workspace, run = open_workspace(tmp_path / "w"), evil[1]
    test = open_app(monkeypatch, workspace, "image", run=run.id, proposal="images/001.png#0")
    test = by_key(test.button, "judgement_accept").click().run()
    assert [toast.value for toast in test.toast] == ["Accepted 1 proposal. Press u to undo."]
    test = open_app(monkeypatch, workspace, "clusters", run=run.id)
    test = by_key(test.text_input, "name_0").set_value("a_b").run()
    assert [toast.value for toast in test.toast] == ["Renamed: a_b. Press u to undo."]


@pytest.mark.browser
def test_a_browser_shows_the_name_as_it_is_and_fetches_nothing_of_it(evil, open_page, tmp_path):
    page, asked = open_page(), []
    page.on("request", lambda request: asked.append(request.url))
    with serving(evil[0].root, tmp_path) as url:
        for name in ("explore", "clusters", "jobs"):
            page.goto(f"{url}{name}?run={evil[1].id}")
            settle(page)
            if name == "explore":
                strong = page.locator("[data-testid=stCaptionContainer] strong").first
                strong.wait_for()
                assert strong.text_content().replace(JOINER, "") == EVIL
            if name == "jobs":
                page.get_by_text("Runs", exact=True).first.click()
                settle(page, "Add images")
                assert page.locator("[data-testid=stMarkdownContainer] img").count() == 0
        page.goto("about:blank")  # else it would miss its server
    assert asked and [request for request in asked if HOST in request] == []
