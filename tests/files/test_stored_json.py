"""Results kept as JSON: what is damaged is told, whatever the damage."""

import pytest

from comus_core.errors import WorkspaceError
from comus_core.files.stored_json import stored_result


def test_a_result_is_read_and_no_file_is_none(tmp_path):
    assert stored_result(tmp_path / "a.json", ("x",), "again") is None
    (tmp_path / "a.json").write_text('{"x": 1, "y": 2}')
    assert stored_result(tmp_path / "a.json", ("x",), "again") == {"x": 1, "y": 2}


@pytest.mark.parametrize("content", ["", "null", "1", "[]", "{}", '{"x": 1', "\udce9"])
def test_what_is_damaged_is_told_with_the_file_and_what_to_do(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(WorkspaceError, match=r"a\.json: .*; compare again"):
        stored_result(tmp_path / "a.json", ("x",), "compare again")
