from comus_core.workspace import database
from tests.app.serving import ROOT

PAGES = sorted(path.name for path in (ROOT / "pages").glob("*.py"))


def test_every_page_shows_a_workspace_that_may_only_be_read(app_test, changeable, monkeypatch):
    monkeypatch.setattr(database, "is_read_only", lambda _: True)
    test = app_test("explore", workspace=changeable[0])
    for page in PAGES:
        test.switch_page(f"../pages/{page}").run()
        assert not test.exception and not test.error, page
