"""A gallery in a browser that no test driver watches: its report of every request takes a third of the wait."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.app.map_browser import CHROMIUM, CHROMIUM_ARGS

PATIENCE = 120  # seconds
PAGE = """<script>
const shown = address => Object.assign(new Image(), { src: address }).decode()
const look = async () => {
    const waits = []
    for (const gallery of GALLERIES) {
        await new Promise(done => setTimeout(done, 500))
        const start = performance.now()
        await Promise.all(gallery.map(shown))
        waits.push(performance.now() - start)
    }
    return waits.join()
}
addEventListener("load", () => look().catch(() => "failed").then(told => fetch("TELL" + told, { mode: "no-cors" })))
</script>"""


def seconds_to_show(galleries: Sequence[Sequence[str]]) -> list[float]:
    """Seconds until a fresh Chromium has fetched and decoded a gallery's pictures, asked for at once; for each gallery.

    Raises:
        RuntimeError: a picture did not come.
        TimeoutError: the browser says nothing for two minutes.
    """
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE)
        here = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        page = Path(folder) / "page.html"
        addresses = json.dumps([list(gallery) for gallery in galleries])
        page.write_text(PAGE.replace("GALLERIES", addresses).replace("TELL", here))
        options = ["--headless", *CHROMIUM_ARGS, f"--user-data-dir={folder}/profile"]
        browser = subprocess.Popen([CHROMIUM, *options, page.as_uri()], stderr=subprocess.DEVNULL)
        try:
            answer, _ = listening.accept()
            with answer:
                told = answer.recv(1000).split()[1].decode().strip("/")
        finally:
            browser.terminate()
            browser.wait(20)
    if told == "failed":
        raise RuntimeError("a picture of the gallery did not come")
    return [float(milliseconds) / 1000 for milliseconds in told.split(",")]
