"""What one server does at once is limited, and what may wait gets its turn."""

import asyncio

import pytest

from app.server import request_limits
from app.server.request_limits import RequestLimits, Turns
from tests.app.serving import run_apart

PLACES = {
    "pages": {"type": "websocket", "path": "/_stcore/stream"},
    "uploads": {"type": "http", "method": "PUT", "path": "/comus/_stcore/upload_file/a/b"},
    "zips": {"type": "http", "method": "GET", "path": "/api/runs/a/bundle"},
}


@pytest.mark.parametrize("place", PLACES)
def test_so_many_at_once_and_the_others_wait_or_are_told(monkeypatch, place):
    at_work, most, done = 0, 0, 0

    async def app(scope, receive, send):
        nonlocal at_work, most, done
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.01)
        at_work, done = at_work - 1, done + 1

    async def asked() -> list[int]:
        limits = RequestLimits(app)
        limits.pages, limits.uploads, limits.zips = Turns(3, 0), Turns(3, 4), Turns(3, 4)
        told: list[int] = []

        async def send(message):
            told.extend([message["status"]] if "status" in message else [])

        scope = {"headers": [], "extensions": {"websocket.http.response": {}}} | PLACES[place]
        await asyncio.gather(*(limits(scope, None, send) for _ in range(10)))
        await limits(scope, None, send)
        return told

    told = run_apart(asked())
    allowed = 3 if place == "pages" else 7
    assert most == 3 and done == allowed + 1 and told == [503] * (10 - allowed)


def test_a_fault_gives_its_turn_back():
    async def app(scope, receive, send):
        raise ZeroDivisionError

    async def asked():
        limits = RequestLimits(app)
        for _ in range(request_limits.ZIPS * 3):
            with pytest.raises(ZeroDivisionError):
                await limits(PLACES["zips"], None, None)
        assert limits.zips.inside == 0

    run_apart(asyncio.wait_for(asked(), 5))


def test_who_downloads_slowly_holds_up_no_other_zip():
    begun, slow = 0, None

    async def app(scope, receive, send):
        nonlocal begun
        begun += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await slow.wait()

    async def send(message):
        pass

    async def asked():
        nonlocal slow
        limits, slow = RequestLimits(app), asyncio.Event()
        downloads = [asyncio.create_task(limits(PLACES["zips"], None, send)) for _ in range(request_limits.ZIPS * 3)]
        while begun < len(downloads):
            await asyncio.sleep(0)
        assert limits.zips.inside == 0
        slow.set()
        await asyncio.gather(*downloads)
        assert limits.zips.inside == 0

    run_apart(asyncio.wait_for(asked(), 5))


@pytest.mark.parametrize("path", ["/api/runs/a/images/0", "/_stcore/health", "/api/runs/a/photos", "/"])
def test_what_is_quick_is_not_held_up(path):
    assert RequestLimits(None)._turns({"type": "http", "method": "GET", "path": path}) is None
