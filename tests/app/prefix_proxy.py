"""A front server that hands on only what lies below a path, as nginx and jupyter-server-proxy do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Front:
    """Where the front server is to be opened, and what was asked for outside of its path."""

    url: str
    outside: list[str] = field(default_factory=list)


@contextmanager
def in_front_of(port: int, path: str, *, strip: bool) -> Iterator[Front]:
    """A front server of the one on `port`, for what lies below `path` (`/…/`); with `strip` without the path."""
    listener = socket.create_server(("127.0.0.1", 0))
    front = Front(f"http://127.0.0.1:{listener.getsockname()[1]}{path}")

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_serve, args=(client, port, path, strip, front.outside), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield front
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _serve(client: socket.socket, port: int, path: str, strip: bool, outside: list[str]) -> None:
    """Answer one request; the head is rewritten, all behind it is handed on as it is, a web socket's messages too."""
    with client:
        head = b""
        while b"\r\n\r\n" not in head:
            block = client.recv(65536)
            if not block:
                return
            head += block
        head, _, rest = head.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        method, target, version = first.split(b" ")
        if not target.startswith(path.encode()):
            outside.append(target.decode())
            client.sendall(NOT_FOUND)
            return
        if strip:
            target = b"/" + target.removeprefix(path.encode())
        if b"upgrade: websocket" not in head.lower():
            lines = [*(line for line in lines if not line.lower().startswith(b"connection:")), b"Connection: close"]
        with socket.create_connection(("127.0.0.1", port)) as server:
            server.sendall(b"\r\n".join([b" ".join([method, target, version]), *lines, b"", rest]))
            back = threading.Thread(target=_hand_on, args=(server, client), daemon=True)
            back.start()
            _hand_on(client, server)
            back.join()


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while block := source.recv(65536):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of the two has gone
