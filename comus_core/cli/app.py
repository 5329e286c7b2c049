"""`comus app`: the pages and routes on one port, open in the browser if there is one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import urllib.request
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click

from comus_core.cli.login_options import LOGIN, environment_of
from comus_core.cli.options import WORKSPACE
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.files.permissions import may_write
from comus_core.files.user_folders import home_folder, provide_home
from comus_core.jobs.logs import jobs_folder
from comus_core.login import TOKEN, VARIABLES, Login, login_of
from comus_core.workspace import Workspace, open_workspace

MAIN = Path(__file__).resolve().parents[2] / "app" / "main.py"
PORTS = range(8501, 8521)
LOCAL = ("127.0.0.1", "localhost", "::1")
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # an address to listen on, and one to open


@dataclass(frozen=True)
class Served:
    """Where a server listens.

    Attributes:
        host: address.
        port: number.
        base_path: what its addresses begin with behind host and port, without slashes at the ends; mostly nothing.
    """

    host: str
    port: int
    base_path: str = ""

    @property
    def root(self) -> str:
        """The address of the first page, ending in a slash."""
        shown = ANY.get(self.host, self.host)
        path = f"{quote(self.base_path)}/" if self.base_path else ""
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{self.port}/{path}"

    @property
    def health(self) -> str:
        """The address that answers as soon as the server does, however people log in."""
        return f"{self.root}_stcore/health"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 lets others in.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: 8501, or the next one that is free.")
@click.option(
    "--base-path",
    metavar="PATH",
    envvar="STREAMLIT_SERVER_BASE_URL_PATH",
    help="Serve below this path, as behind a proxy that keeps it.",
)
@click.option("--run", "run_name", metavar="RUN", help="Open on this run: an id, a name, or latest.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option("--detach", is_flag=True, help="Leave the server running and return as soon as it answers.")
@LOGIN
@WORKSPACE
def app(
    host: str,
    port: int | None,
    base_path: str | None,
    run_name: str | None,
    no_browser: bool,
    detach: bool,
    workspace: str | None,
    **login_options: str | bool | None,
) -> None:
    """Open the app: start runs, watch them, browse what they found."""
    place = open_workspace(workspace)
    login = _provide_login(login_options)
    served = Served(host, port or next((p for p in PORTS if _is_free(host, p)), PORTS[0]), base_path_of(base_path))
    url = address(place, served, run_name, login.token)
    _require_free(host, served.port)
    process = leave_running(place, served) if detach else None
    ending = f"with: kill {process}" if detach else "with Ctrl-C; jobs go on."
    click.echo(f"COMUS Explorer on {place.root}\n\n    {url}\n\nStop it {ending}", err=True)
    for line in _warnings(host, login, address(place, served, run_name, login.viewer_token)):
        click.echo(line, err=True)
    if detach:
        return
    if not no_browser and has_browser():
        threading.Thread(target=_open_when_ready, args=(served, url), daemon=True).start()
    serve(place, served)


def address(place: Workspace, served: Served, run_name: str | None, token: str = "") -> str:
    """The address to open; the server exchanges the token in it for a cookie.

    Raises:
        WorkspaceError: there is no such run.
    """
    page = "" if run_name is None else "explore"
    query = {"run": place.runs.find(run_name).id} if run_name is not None else {}
    query |= {"token": token} if token else {}
    return f"{served.root}{page}" + (f"?{urlencode(query)}" if query else "")


def _provide_login(options: dict[str, Any]) -> Login:
    """The login that the options say, for the server's process in its environment.

    Raises:
        SettingsError: they contradict each other, or one of them is wrong.
    """
    said = environment_of(options, os.environ)
    login = login_of(said)
    for name in VARIABLES:
        os.environ.pop(name, None)
    os.environ.update({name: value for name, value in said.items() if name in VARIABLES})
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # of Uvicorn, which would believe a local proxy's word of the sender
    if login.way == "token":
        os.environ[TOKEN] = login.token
    return login


def _warnings(host: str, login: Login, viewers_address: str) -> list[str]:
    lines = [f"Viewers log in at {viewers_address}"] if login.viewer_token else []
    if login.way == "none" and host not in LOCAL:
        lines += ["THERE IS NO LOGIN: everyone who reaches this address can see the workspace, start and delete."]
    if host not in LOCAL:
        lines += [
            "It answers to this machine's own names and addresses; name others, as of a proxy, in COMUS_ALLOWED_HOSTS. "
            "The connection is not encrypted: over a network, put a proxy with HTTPS in front."
        ]
    return lines


def has_browser() -> bool:
    """Whether a browser with a window can be opened here."""
    windowed = sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    try:
        return windowed and webbrowser.get() is not None
    except webbrowser.Error:
        return False


def base_path_of(typed: str | None) -> str:
    """The path to serve below, without slashes at its ends; if none is given, that of Streamlit's settings files."""
    path = typed
    for folder in filter(None, [home_folder(), Path.cwd(), MAIN.parent]) if typed is None else ():  # the last one wins
        with suppress(OSError, ValueError):  # Streamlit itself complains of a file that it cannot read
            settings = tomllib.loads((folder / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
            path = settings.get("server", {}).get("baseUrlPath", path)
    return str(path or "").strip("/")


def leave_running(place: Workspace, served: Served) -> int:
    """Start the server as a process of its own, wait until it answers, and give its process id.

    Raises:
        WorkspaceError: it ended, or did not answer within a minute; quotes its log.
    """
    folder = jobs_folder(place.root) if may_write(place.root) else Path(tempfile.gettempdir())
    log = folder / f"comus-app-{served.port}.log"
    where = ["--host", served.host, "--port", str(served.port), "--base-path", served.base_path]
    command = [sys.executable, "-m", "comus_core", "app", *where, "--no-browser"]
    log.unlink(missing_ok=True)
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as lines:  # it holds the token
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": lines, "stderr": lines}
        process = subprocess.Popen(
            [*command, "--workspace", str(place.root)], cwd=MAIN.parents[1], start_new_session=True, **streams
        )
    if not _answers(served.health, 60, lambda: process.poll() is None):
        process.kill()
        raise WorkspaceError(f"the app did not start: {log} ends with: {log.read_text()[-500:]}")
    return process.pid


def serve(place: Workspace, served: Served) -> None:
    """Run the server in this process until it is stopped.

    Raises:
        SettingsError: Streamlit is not installed, or the app's files are not beside this package.
    """
    if not MAIN.is_file():
        raise SettingsError(f"the app's files are not at {MAIN.parent}: run `comus app` from the project's checkout")
    provide_home()
    try:
        from streamlit.web import cli as streamlit
    except ImportError:
        raise SettingsError("the app needs Streamlit: install the project's requirements.txt") from None
    os.environ["COMUS_WORKSPACE"] = str(place.root)
    options = {"server.address": served.host, "server.port": served.port, "server.baseUrlPath": served.base_path}
    flags = [f"--{name}={value}" for name, value in {**options, "logger.level": "warning"}.items()]
    try:
        streamlit.main(["run", str(MAIN), *flags], standalone_mode=False)
    except SystemExit as stopped:
        if stopped.code:
            raise WorkspaceError(f"the server ended with code {stopped.code}: see the lines above") from None


def _require_free(host: str, port: int) -> None:
    try:
        _listen(host, port)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --port or --host"
        ) from None


def _is_free(host: str, port: int) -> bool:
    try:
        _listen(host, port)
    except OSError:
        return False
    return True


def _listen(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _answers(url: str, seconds: float, going: Callable[[], bool]) -> bool:
    """Whether `url` answers within so many seconds while its server is still `going`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and going():
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return True
    return False


def _open_when_ready(served: Served, url: str) -> None:
    if _answers(served.health, 30, lambda: True):
        webbrowser.open(url)
