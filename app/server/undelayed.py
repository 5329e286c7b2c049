"""Answers that leave at once: without it, each waits about 40 ms for the browser's delayed acknowledgement."""

from __future__ import annotations

import os
import socket
import stat

MOST_FILES = 256  # numbers looked at; the server opens its port among its first


def send_at_once() -> int:
    """Switch Nagle's algorithm off on every listening TCP socket of this process; returns how many there were.

    An answer's head and body are written one after the other; with Nagle the body waits until the head is acknowledged.
    asyncio switches it off by itself, but only for sockets made with an explicit protocol number, which Streamlit's is
    not. On Linux a connection inherits this from its listener; elsewhere nothing is gained and nothing lost.
    """
    listeners = 0
    for number in range(MOST_FILES):
        try:
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as listener:
                if listener.family in (socket.AF_INET, socket.AF_INET6) and listener.getsockopt(
                    socket.SOL_SOCKET, socket.SO_ACCEPTCONN
                ):
                    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    listeners += 1
        except OSError:
            continue  # no such file, or no such option
    return listeners
