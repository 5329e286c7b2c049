"""`similar` from proposals: what is listed, what is moved and undone, and what is refused."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from comus_core import curation, similar
from comus_core.cli.main import cli
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.pipelines.verb_settings import SimilarSettings


@pytest.fixture
def ask(curated_view):
    """`ask("id", top=3)`: what `similar` returns."""

    def call(*proposals, **settings):
        return similar(curated_view.run, curated_view.workspace, SimilarSettings(proposals, **settings))

    return call


def names(view, *rows):
    return tuple(str(p) for p in view.proposals.proposal_id[list(rows)])


def expected(view, row, but=()):
    """(id, cosine) of all proposals but some, by falling cosine with that of a row, ties by id."""
    vectors = np.asarray(view.vectors(), np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = dict(zip(map(str, view.proposals.proposal_id), np.round(unit @ unit[row], 6), strict=True))
    listed = [p for p in cosine if p not in {*but, str(view.proposals.proposal_id[row])}]
    return [(p, float(cosine[p])) for p in sorted(listed, key=lambda p: (-cosine[p], p))]


def found(answer):
    return [(entry["proposal"], entry["cosine"]) for entry in answer["found"]]


def test_the_most_similar_are_listed_and_what_they_are_compared_with_is_not(ask, curated_view):
    (name,) = names(curated_view, 7)
    every = expected(curated_view, 7)
    answer = ask(name)
    assert found(answer) == every[:24] and answer["threshold"] == every[23][1]
    assert (answer["proposals"], answer["picture"], answer["parts"], answer["moved"]) == ([name], None, None, None)
    assert found(ask(name, top=3)) == every[:3]
    assert found(ask(name, top=1000)) == every and len(every) == len(curated_view) - 1
    limit = every[9][1]
    assert found(ask(name, threshold=limit)) == every[:10]
    assert found(ask(name, threshold=1.0)) == []
    assert found(ask(name, name, top=3)) == every[:3], "named twice is named once"


def test_erased_proposals_are_not_listed(ask, curated_view):
    (name,), nearest = names(curated_view, 7), expected(curated_view, 7)[0][0]
    curation.erase(curated_view, [nearest])
    assert found(ask(name)) == expected(curated_view, 7, but=[nearest])[:24]


def test_what_is_listed_is_moved_in_one_decision_which_undo_takes_back(ask, curated_view):
    view = curated_view
    before = curation.rename(view, 2, "apple")
    every, (name,) = expected(view, 7), names(view, 7)
    limit = every[9][1]
    answer = ask(name, threshold=limit, move_to="Apple")
    after = curation.decided_in(view)
    assert (answer["moved"], answer["moved_to"], answer["version"]) == (11, "apple", after.version)
    moved = {name, *(p for p, _ in every[:10])}
    id_of = dict(zip(map(str, view.proposals.proposal_id), view.categories(after).id_of, strict=True))
    assert all(id_of[p] == 2 for p in moved)
    was = view.categories(before).id_of
    others = [row for row, p in enumerate(view.proposals.proposal_id) if p not in moved]
    assert (view.categories(after).id_of[others] == was[others]).all()
    assert (
        len(view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"])) == 3
    )  # filter, name, move
    assert curation.undo(view).layout == before.layout


def test_a_cluster_is_named_by_its_id_too(ask, curated_view):
    (name,) = names(curated_view, 7)
    answer = ask(name, top=2, move_to="3")
    assert (answer["moved"], answer["moved_to"]) == (3, "cluster 3")


def test_a_new_name_makes_a_new_category_in_one_step(ask, curated_view):
    (name,), before = names(curated_view, 7), curation.decided_in(curated_view)
    answer = ask(name, top=2, move_to="a new name")
    after = curation.decided_in(curated_view)
    categories = curated_view.categories(after)
    inside = categories.id_of == after_id(after, "a new name")
    assert answer["moved"] == 3 and answer["moved_to"] == "a new name"
    assert set(curated_view.proposals.proposal_id[inside]) == {name, *(found["proposal"] for found in answer["found"])}
    assert curation.undo(curated_view).layout == before.layout


def after_id(decided, name):
    return next(k for k, other in decided.names.items() if other == name)


def test_what_cannot_be_moved_to_moves_nothing(ask, curated_view):
    (name,), before = names(curated_view, 7), curation.decided_in(curated_view)
    with pytest.raises(WorkspaceError, match="no category 99"):
        ask(name, move_to="99")
    curation.reject(curated_view, [4])
    with pytest.raises(SettingsError, match="rejected"):
        ask(name, move_to="4")
    assert curation.decided_in(curated_view).layout.moved == before.layout.moved


def test_what_cannot_be_requested_says_why(ask, curated_view, tmp_path):
    (name,) = names(curated_view, 7)
    with pytest.raises(SettingsError, match="nothing to compare with: give ids of proposals, or an image"):
        ask()
    with pytest.raises(SettingsError, match=r"threshold 0\.5 and top 3: give one of the two"):
        ask(name, threshold=0.5, top=3)
    with pytest.raises(SettingsError, match="at most 1"):
        ask(name, threshold=1.5)
    with pytest.raises(SettingsError, match=r"no proposal gone\.png#0"):
        ask("gone.png#0")
    (tmp_path / "a.jpg").write_text("")
    with pytest.raises(SettingsError, match=r"is an image file, not a proposal of run .*: write --picture"):
        ask(str(tmp_path / "a.jpg"))
    with pytest.raises(SettingsError, match="vectors of your own"):
        ask(picture=str(tmp_path / "a.jpg"))


def test_the_command_lists_and_moves(curated_view, tmp_path):
    view, (name,) = curated_view, names(curated_view, 7)
    curation.rename(view, 2, "apple")
    words = ["similar", view.run.id, name, "--top", "2", "--move-to", "apple", "--workspace", str(view.workspace.root)]
    done = CliRunner().invoke(cli, [*words, "--json", str(tmp_path / "a.json")], catch_exceptions=False)
    first, second = expected(view, 7)[:2]
    assert done.stdout.splitlines() == [
        f"  {first[1]:.4f}  {first[0]}",
        f"  {second[1]:.4f}  {second[0]}",
        f"2 proposals of similarity {second[1]:.4f} or more, by mean",
        "moved 3 proposals to apple",
    ]
    assert json.loads((tmp_path / "a.json").read_text())["moved"] == 3
