import pytest

from comus_core import open_workspace
from comus_core.errors import WorkspaceError
from comus_core.workspace.selection_shapes import Gesture

TRIANGLE = Gesture(((0.1, 0.2), (1 / 3, 2.5), (-4.0, 1e-7)))
BOX = Gesture(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)), "subtract")


def test_a_selection_comes_back_exactly_even_in_a_workspace_opened_anew(tmp_path):
    kept = open_workspace(tmp_path).selections.keep("umap", (TRIANGLE, BOX))
    again = open_workspace(tmp_path).selections.read(kept.key)
    assert again == kept and (again.method, again.gestures) == ("umap", (TRIANGLE, BOX))


def test_the_same_drawing_has_the_same_key_and_another_projection_another(tmp_path):
    table = open_workspace(tmp_path).selections
    assert table.keep("tsne", (BOX,)).key == table.keep("tsne", (BOX,)).key != table.keep("umap", (BOX,)).key


def test_nothing_drawn_is_the_empty_selection(tmp_path):
    table = open_workspace(tmp_path).selections
    assert table.keep("tsne", ()).key == "" and table.read("").gestures == ()


def test_an_unknown_key_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(WorkspaceError, match="draw it on the map again"):
        open_workspace(tmp_path).selections.read("abc")
