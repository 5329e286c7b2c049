"""`comus app`: the pages and routes on one port, open in the browser if there is one."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
import urllib.request
import webbrowser
from pathlib import Path

import click

from comus_core.cli.run import WORKSPACE
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.workspace import Workspace, open_workspace

MAIN = Path(__file__).resolve().parents[2] / "app" / "main.py"
LOCAL = ("127.0.0.1", "localhost", "::1")
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # an address to listen on, and one to open


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 lets others in.")
@click.option("--port", default=8501, show_default=True, type=click.IntRange(1, 65535))
@click.option("--run", "run_name", metavar="RUN", help="Open on this run: an id, a name, or latest.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@WORKSPACE
def app(host: str, port: int, run_name: str | None, no_browser: bool, workspace: str | None) -> None:
    """Open the app: start runs, watch them, browse what they found."""
    place = open_workspace(workspace)
    url = address(place, host, port, run_name)
    _require_free(host, port)
    click.echo(f"COMUS Explorer on {place.root}\n\n    {url}\n\nStop it with Ctrl-C; jobs go on.", err=True)
    if host not in LOCAL:
        click.echo("Everyone who reaches this address can see the workspace and start jobs.", err=True)
    if not no_browser and has_browser():
        threading.Thread(target=_open_when_ready, args=(url,), daemon=True).start()
    serve(place, host, port)


def address(place: Workspace, host: str, port: int, run_name: str | None) -> str:
    """The address to open.

    Raises:
        WorkspaceError: there is no such run.
    """
    shown = ANY.get(host, host)
    base = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"
    return base if run_name is None else f"{base}explore?run={place.runs.find(run_name).id}"


def has_browser() -> bool:
    """Whether a browser with a window can be opened here."""
    windowed = sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    try:
        return windowed and webbrowser.get() is not None
    except webbrowser.Error:
        return False


def serve(place: Workspace, host: str, port: int) -> None:
    """Run the server in this process until it is stopped.

    Raises:
        SettingsError: Streamlit is not installed, or the app's files are not beside this package.
    """
    if not MAIN.is_file():
        raise SettingsError(f"the app's files are not at {MAIN.parent}: run `comus app` from the project's checkout")
    try:
        from streamlit.web import cli as streamlit
    except ImportError:
        raise SettingsError("the app needs Streamlit: install the project's requirements.txt") from None
    os.environ["COMUS_WORKSPACE"] = str(place.root)
    options = {"server.address": host, "server.port": port, "logger.level": "warning"}
    flags = [f"--{name}={value}" for name, value in options.items()]
    try:
        streamlit.main(["run", str(MAIN), *flags], standalone_mode=False)
    except SystemExit as stopped:
        if stopped.code:
            raise WorkspaceError(f"the server ended with code {stopped.code}: see the lines above") from None


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"cannot listen on {host}:{port}: {error.strerror}; choose another --port or --host"
            ) from None


def _open_when_ready(url: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            webbrowser.open(url)
            return
