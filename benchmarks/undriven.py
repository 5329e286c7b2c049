"""A gallery in a browser that no test driver watches: to report every request costs as much as the request."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.app.map_browser import CHROMIUM

PATIENCE = 120  # seconds
PAGE = """<script>
addEventListener("load", () => setTimeout(async () => {
    const start = performance.now()
    const pictures = ADDRESSES.map(address => Object.assign(new Image(), { src: address }).decode())
    const failed = (await Promise.allSettled(pictures)).filter(p => p.status === "rejected").length
    fetch(`TELL${performance.now() - start}/${failed}`, { mode: "no-cors" })
}, 500))
</script>"""


def seconds_to_show(addresses: Sequence[str]) -> float:
    """Seconds until a fresh Chromium has fetched and decoded the pictures at these addresses, asked for at once.

    Raises:
        RuntimeError: one of them did not come.
        TimeoutError: the browser says nothing for two minutes.
    """
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE)
        told = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        page = Path(folder) / "page.html"
        page.write_text(PAGE.replace("ADDRESSES", json.dumps(list(addresses))).replace("TELL", told))
        options = ["--headless", "--no-sandbox", "--disable-background-networking", f"--user-data-dir={folder}/profile"]
        browser = subprocess.Popen([CHROMIUM, *options, page.as_uri()], stderr=subprocess.DEVNULL)
        try:
            answer, _ = listening.accept()
            with answer:
                milliseconds, failed = answer.recv(200).split()[1].decode().strip("/").split("/")
        finally:
            browser.terminate()
            browser.wait(20)
    if int(failed):
        raise RuntimeError(f"{failed} of {len(addresses)} pictures did not come")
    return float(milliseconds) / 1000
