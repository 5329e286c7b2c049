"""Every route, page, socket, upload and download is closed without a login, and open with one."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit.web.server.starlette.starlette_app import create_streamlit_routes

from app.data import urls
from app.data.run_cache import view_of
from app.server import asgi
from app.server.failure_limit import MOST, FailureLimit
from app.server.login import ROLE, USER, LoginLayer
from comus_core.errors import SettingsError
from comus_core.login import NO_LOGIN, OPERATORS, TOKEN, TRUSTED_PROXY, USER_HEADER, VIEWER_TOKEN, login_of
from comus_core.person import acting
from tests.app.serving import run_apart

OPERATOR, VIEWER = "operator-token-of-a-test", "viewer-token-of-a-test"
TOKENS = login_of({TOKEN: OPERATOR, VIEWER_TOKEN: VIEWER})
PAGE, SOCKETS = {"Accept": "text/html"}, "ws://localhost:8501"
FILLED = {"row": "0", "number": "0", "step": "1", "column": "0"}


def every_route() -> list[tuple[str, str]]:
    """(method, path) of all routes of ours and of Streamlit, their parameters filled in."""
    runtime = SimpleNamespace(
        media_file_mgr=SimpleNamespace(_storage=None),
        uploaded_file_mgr=None,
        component_registry=None,
        bidi_component_registry=None,
        stats_mgr=None,
    )
    found: set[tuple[str, str]] = set()
    for route in _flat([*asgi.routes(), *create_streamlit_routes(runtime)]):
        path = re.sub(r"{(\w+)(:\w+)?}", lambda match: FILLED.get(match[1], "x"), route.path)
        methods = getattr(route, "methods", None) or ({"WEBSOCKET"} if isinstance(route, WebSocketRoute) else {"GET"})
        found |= {(method, path or "/") for method in methods}
    return sorted(found)


def _flat(routes):
    for route in routes:
        yield SimpleNamespace(path=f"{route.path}/x") if isinstance(route, Mount) else route


def echo(request):
    """Says who asks, as the app behind the login hears it."""
    person = acting()
    said = {"user": request.headers.get(USER), "role": request.headers.get(ROLE)}
    return JSONResponse(said | {"acting": person and person.role})


async def echo_socket(websocket):
    await websocket.accept()
    await websocket.send_text(websocket.headers.get(ROLE) or "nobody")
    await websocket.close()


def client_of(login, base_path: str = "", peer: str = "testclient", **options) -> TestClient:
    anything = [
        WebSocketRoute("/{path:path}", echo_socket),
        Route("/{path:path}", echo, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    ]
    app = Starlette(routes=anything, middleware=asgi.middleware("127.0.0.1", login, base_path))
    return TestClient(app, "http://localhost:8501", client=(peer, 1), follow_redirects=False, **options)


ROUTES = every_route()
EXEMPT = {"/_stcore/health", "/api/ready"}


def test_the_routes_are_those_of_the_server():
    paths = {path for _, path in ROUTES}
    assert {"/api/runs/x/bundle", "/api/plotly.min.js", "/_stcore/stream", "/_stcore/upload_file/x/x"} <= paths
    assert len([path for path in paths if path.startswith("/api/")]) >= 24 and "/media/x" in paths


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda value: str(value))
def test_every_route_is_closed_without_the_token_and_open_with_it(method, path):
    client = client_of(TOKENS)
    origin = {"Origin": "http://localhost:8501"}
    if method == "WEBSOCKET":
        for headers in ({}, origin, origin | {"Cookie": "comus_login_8501=forged"}):
            with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{SOCKETS}{path}", headers=headers):
                pass
        with client.websocket_connect(f"{SOCKETS}{path}", headers={"Authorization": f"Bearer {OPERATOR}"}) as socket:
            assert socket.receive_text() == "operator"
        return
    for headers in ({}, PAGE, {"Authorization": "Bearer wrong-token-wrong"}, {ROLE: "operator"}):
        answer = client.request(method, path, headers=headers | origin)
        if path in EXEMPT and method in ("GET", "HEAD", "OPTIONS"):
            assert answer.status_code == 200 and (method == "HEAD" or answer.json()["acting"] == "viewer")
        else:
            assert answer.status_code == 401, (headers, answer.text)
    answer = client.request(method, path, headers=origin | {"Authorization": f"Bearer {OPERATOR}"})
    assert answer.status_code == 200 and (method == "HEAD" or answer.json()["role"] == "operator")


@pytest.mark.parametrize("path", ["/", "/explore?run=a", "/clusters", "/no-such-page", "/static/js/index.js"])
def test_a_page_shows_the_form_whose_answer_leads_back_to_it(path):
    client = client_of(TOKENS)
    asked = client.get(path, headers=PAGE)
    assert asked.status_code == 401 and 'name="token"' in asked.text and asked.headers["cache-control"] == "no-store"
    action = re.search(r'action="([^"]*)"', asked.text)[1]
    wanted = re.search(r'name="next" value="([^"]*)"', asked.text)[1]
    form = {"token": OPERATOR, "name": "  Ada   Lovelace ", "next": wanted}
    answer = client.post(str(asked.url.join(action)), data=form, headers={"Origin": "http://localhost:8501"})
    assert answer.status_code == 303 and str(answer.url.join(answer.headers["location"])).endswith(path)
    cookie = SimpleCookie(answer.headers["set-cookie"])["comus_login_8501"]
    assert cookie["httponly"] and cookie["samesite"] == "lax" and OPERATOR not in cookie.value
    after = client.get(path, headers=PAGE)
    assert after.json() == {"user": "Ada%20Lovelace", "role": "operator", "acting": "operator"}
    with client.websocket_connect(f"{SOCKETS}/_stcore/stream", headers={"Origin": "http://localhost:8501"}) as socket:
        assert socket.receive_text() == "operator"
    assert client.get("/logout").headers["location"] == "./" and client.get(path, headers=PAGE).status_code == 401


@pytest.mark.parametrize(
    ("base", "path", "location"),
    [
        ("", "/", "./"),
        ("", "/explore?a=1&token={}&b=2", "explore?a=1&b=2"),
        ("comus", "/comus/", "./"),
        ("comus", "/comus/explore?token={}", "explore"),
        ("", "/login?token={}", "./"),
    ],
)
def test_a_token_in_an_address_becomes_a_cookie_and_leaves_the_address(base, path, location):
    client = client_of(TOKENS, base)
    wanted = path.format(VIEWER) if "{}" in path else f"{path}?token={VIEWER}"
    answer = client.get(wanted, headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, location)
    assert client.get(f"/{base}/explore".replace("//", "/")).json()["role"] == "viewer"
    assert (
        client.post(f"/{base}/api/x".replace("//", "/"), headers={"Origin": "http://localhost:8501"}).status_code == 403
    )


def test_a_cookie_of_another_token_forged_or_old_opens_nothing(monkeypatch):
    client = client_of(TOKENS)
    client.get("/", params={"token": OPERATOR}, headers=PAGE)
    value = client.cookies["comus_login_8501"]
    after_restart = client_of(login_of({TOKEN: "another-token-of-a-test"}))
    forged = value[:-3] + ("AAA" if value[-3:] != "AAA" else "BBB")
    for other, cookie in ((after_restart, value), (client_of(TOKENS), forged), (client_of(TOKENS), "")):
        assert other.get("/api/x", headers={"Cookie": f"comus_login_8501={cookie}"}).status_code == 401
    monkeypatch.setattr("app.server.login.LONGEST_LOGIN", -1)
    assert client.get("/api/x").status_code == 401


@pytest.mark.parametrize(
    "wanted", ["//evil.com", "https://evil.com", "/\\evil.com", "\\evil.com", "javascript:alert(1)"]
)
def test_a_login_leads_to_no_other_server(wanted):
    answer = client_of(TOKENS).post("/login", data={"token": OPERATOR, "next": wanted})
    assert (answer.status_code, answer.headers["location"]) == (303, "./")


@pytest.mark.parametrize("wanted", ['"><script>alert(1)</script>', "é", "\x00", "a" * 5000])
def test_what_was_asked_for_is_escaped_in_the_form(wanted):
    answer = client_of(TOKENS).get("/explore", params={"run": wanted}, headers=PAGE)
    assert answer.status_code == 401 and "<script" not in answer.text
    again = client_of(TOKENS).post("/login", data={"token": "x", "next": wanted})
    assert again.status_code in (401, 413) and "<script" not in again.text


def test_wrong_tokens_are_limited_but_keep_out_nobody_with_a_cookie_or_the_right_header():
    login = client_of(TOKENS)
    login.post("/login", data={"token": OPERATOR, "name": "Ada"})
    cookie = {"Cookie": f"comus_login_8501={login.cookies['comus_login_8501']}"}
    client, bearer = client_of(TOKENS), {"Authorization": f"Bearer {OPERATOR}"}
    for _ in range(MOST + 1):
        assert client.get("/x", headers={"Authorization": "Bearer wrong-token-wrong"}).status_code == 401
    for number in range(MOST):
        wrong = {"token": "wrong-token-wrong"}
        answer = client.get("/x", params=wrong) if number % 2 else client.post("/login", data=wrong)
        assert answer.status_code == 401
    for answer in (client.post("/login", data={"token": OPERATOR}), client.get("/", params={"token": OPERATOR})):
        assert answer.status_code == 429
    for headers in (cookie, bearer):
        for path in ("/x", "/x?token=wrong-token-wrong", f"/x?token={OPERATOR}"):
            assert client.get(path, headers=headers).json()["role"] == "operator"
    assert client.get("/login", headers=cookie | PAGE).status_code == 303


def test_a_token_in_an_address_wins_over_a_cookie_of_another_role_and_keeps_the_name_of_the_same():
    client = client_of(TOKENS)
    client.post("/login", data={"token": VIEWER, "name": "Vera"})
    assert client.get("/x", params={"token": VIEWER}).json() == {"user": "Vera", "role": "viewer", "acting": "viewer"}
    assert client.get("/x", params={"token": OPERATOR}).json()["role"] == "operator"


def test_a_form_of_many_fields_or_cut_off_is_no_login():
    fields = {f"field{number}": "x" for number in range(11)}
    assert client_of(TOKENS).post("/login", data=fields | {"token": OPERATOR}).status_code == 413
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/login", "query_string": b"", "headers": []}
    run_apart(LoginLayer(None, TOKENS)(scope, receive, send))
    assert sent[0]["status"] == 413


def test_a_name_has_only_what_can_be_printed():
    client = client_of(TOKENS)
    client.post("/login", data={"token": OPERATOR, "name": "Ada\0\n\x1b Lovelace \u202e"})
    assert client.get("/x").json()["user"] == "Ada%20Lovelace"


def test_the_limit_ends_and_holds_for_each_address_alone():
    now = [0.0]
    limit = FailureLimit(lambda: now[0])
    for _ in range(MOST):
        assert limit.wait("a") == 0
        limit.add("a")
    assert limit.wait("a") == 60 and limit.wait("b") == 0
    now[0] = 59.5
    assert limit.wait("a") == 1
    now[0] = 60.0
    assert limit.wait("a") == 0


def test_a_proxys_header_is_believed_from_the_proxy_alone():
    login = login_of({USER_HEADER: "X-Forwarded-User", TRUSTED_PROXY: "10.0.0.0/24", OPERATORS: "ada, bob"})
    proxy = client_of(login, peer="10.0.0.7")
    assert proxy.get("/x", headers={"X-Forwarded-User": "ada"}).json()["role"] == "operator"
    assert proxy.get("/x", headers={"X-Forwarded-User": "eve"}).json() == {
        "user": "eve",
        "role": "viewer",
        "acting": "viewer",
    }
    assert proxy.get("/x").status_code == 401
    named = proxy.get("/x", headers={"X-Forwarded-User": "Zoë".encode()})
    assert named.json()["user"] == "Zo%C3%AB" and named.json()["role"] == "viewer"
    assert proxy.get("/x", headers={"X-Forwarded-User": b"\xff ada"}).json()["role"] == "viewer"
    assert proxy.get("/logout", headers={"X-Forwarded-User": "ada"}).headers["location"] == "./"
    twice = proxy.get("/x", headers=[("X-Forwarded-User", "eve"), ("X-Forwarded-User", "ada")])
    assert twice.status_code == 401
    for peer in ("10.0.1.7", "testclient", "127.0.0.1"):
        spoofed = client_of(login, peer=peer).get(
            "/x", headers={"X-Forwarded-User": "ada", "X-Forwarded-For": "10.0.0.7"}
        )
        assert spoofed.status_code == 401
    with proxy.websocket_connect(f"{SOCKETS}/_stcore/stream", headers={"X-Forwarded-User": "ada"}) as socket:
        assert socket.receive_text() == "operator"


def test_without_a_login_only_its_own_pages_open_a_socket_or_change_anything():
    client = client_of(login_of({NO_LOGIN: "1"}))
    assert client.get("/api/x").json() == {"user": None, "role": None, "acting": None}
    for origin, status in ((None, 403), ("http://localhost:9999", 403), ("http://localhost:8501", 200)):
        headers = {} if origin is None else {"Origin": origin}
        assert client.put("/_stcore/upload_file/a/b", headers=headers).status_code == status
        if status == 403:
            with (
                pytest.raises(WebSocketDisconnect),
                client.websocket_connect(f"{SOCKETS}/_stcore/stream", headers=headers),
            ):
                pass


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({TOKEN: "short"}, "12 letters"),
        ({TOKEN: "with a space in it"}, "no space"),
        ({TOKEN: "x" * 12, VIEWER_TOKEN: "x" * 12}, "different"),
        ({TOKEN: "x" * 12, NO_LOGIN: "1"}, "one way"),
        ({USER_HEADER: "X-User"}, "--trusted-proxy"),
        ({USER_HEADER: "X User", TRUSTED_PROXY: "::1"}, "name of a header"),
        ({USER_HEADER: "X-User", TRUSTED_PROXY: "everywhere"}, "an address"),
    ],
)
def test_a_login_that_cannot_be_is_refused_in_a_sentence(environment, words):
    with pytest.raises(SettingsError, match=words):
        login_of(environment)


def test_a_token_that_nobody_chose_is_long_and_new_and_no_login_is_in_a_log():
    first, second = login_of({}), login_of({NO_LOGIN: "0"})
    assert first.way == "token" and len(first.token) >= 32 and first.token != second.token
    assert first.token not in repr(first)


def test_ready_says_little_to_a_stranger(shown, monkeypatch):
    monkeypatch.setenv("COMUS_WORKSPACE", str(shown[0].root))
    app = Starlette(routes=asgi.routes(), middleware=asgi.middleware("127.0.0.1", TOKENS))
    client = TestClient(app, "http://localhost")
    assert client.get("/api/ready").json() == {"ready": True}
    assert len(client.get("/api/ready", headers={"Authorization": f"Bearer {VIEWER}"}).json()) > 1
    picture = urls.crop(view_of(shown[1]), 0)
    assert client.get(f"/{picture}").status_code == 401
    assert client.get(f"/{picture}&token={VIEWER}").status_code == 200


def test_with_openid_connect_streamlits_own_cookie_opens_every_route(monkeypatch):
    from streamlit import auth_util
    from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
    from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

    from app.server import oidc

    monkeypatch.setattr(oidc, "get_cookie_secret", lambda: "a secret of a test")
    monkeypatch.setattr(auth_util, "get_origin_from_redirect_uri", lambda: "http://localhost:8501")
    monkeypatch.setattr(oidc, "login_address", lambda: "auth/login?provider=x")
    client = client_of(login_of({"COMUS_OIDC": "1", OPERATORS: "ada@example.org"}))

    def asked(secret="a secret of a test", **said):
        import json

        whole = {"is_logged_in": True, "origin": "http://localhost:8501", "email": "ada@example.org"} | said
        cookie = create_signed_value(secret, USER_COOKIE_NAME, json.dumps(whole)).decode()
        return client.get("/api/x", headers={"Cookie": f"{USER_COOKIE_NAME}={cookie}"})

    assert asked().json()["role"] == "operator"
    assert asked(email="eve@example.org").json()["role"] == "viewer"
    assert asked(email_verified=False, sub="17").json() == {"user": "17", "role": "viewer", "acting": "viewer"}
    for wrong in (
        asked("another secret"),
        asked(origin="http://evil.com"),
        asked(is_logged_in=False),
        client.get("/x"),
    ):
        assert wrong.status_code == 401
    assert "auth/login?provider=x" in client.get("/explore", headers=PAGE).text
    assert client.get("/oauth2callback?code=1").status_code == 200


def test_a_proxy_that_anybody_on_the_machine_could_imitate_is_refused(monkeypatch):
    monkeypatch.delenv(NO_LOGIN)
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    monkeypatch.setenv(USER_HEADER, "X-User")
    monkeypatch.setenv(TRUSTED_PROXY, "127.0.0.1")
    with pytest.raises(SettingsError, match="comus app"):
        asgi.login_of_server.__wrapped__()
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "")
    assert asgi.login_of_server.__wrapped__().way == "header"
