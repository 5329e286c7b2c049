"""Answers do not wait for the browser's acknowledgement."""

import os
import socket
import sys

import pytest

from app.server.undelayed import send_at_once

NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_listening_socket_and_the_connections_it_takes_send_at_once(family):
    with socket.socket(family) as listener, socket.socket(family) as idle:
        listener.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        listener.listen()
        assert not listener.getsockopt(*NO_DELAY)
        assert send_at_once() >= 1
        assert listener.getsockopt(*NO_DELAY) and not idle.getsockopt(*NO_DELAY)
        if sys.platform == "linux":
            with socket.create_connection(listener.getsockname()[:2]), listener.accept()[0] as taken:
                assert taken.getsockopt(*NO_DELAY)
        assert os.fstat(listener.fileno())  # the copy was closed, not the socket
