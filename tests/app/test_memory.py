"""The server's memory: garbage is collected at times, not after each run of a script."""

import asyncio
import gc
import tomllib
import weakref
from pathlib import Path

import pytest

from app.data import memory
from tests.app.serving import run_apart


class Knot:
    """An object that only the collector of cycles frees."""

    def __init__(self):
        self.itself = self


@pytest.mark.parametrize("drawn", [True, False], ids=["pages were drawn", "nothing was drawn"])
def test_what_sessions_leave_is_collected_where_pages_were_drawn(monkeypatch, drawn):
    looks, enough = [], 6
    monkeypatch.setattr(memory, "TIDIED_EVERY", 0.001)
    monkeypatch.setattr(memory, "_collections", lambda: looks.append(1) or (10 if drawn else 0))

    async def look():
        task = asyncio.create_task(memory.keep_tidy())
        while len(looks) < enough and not task.done():
            await asyncio.sleep(0.01)
        task.cancel()

    gc.collect()
    gc.disable()  # nobody else collects meanwhile
    try:
        left = weakref.ref(Knot())
        run_apart(look())
        assert (left() is None) is drawn
    finally:
        gc.enable()


def test_streamlit_does_not_search_all_memory_after_each_script():
    settings = tomllib.loads((Path(memory.__file__).parents[1] / ".streamlit" / "config.toml").read_text())
    assert settings["runner"]["postScriptGC"] is False
