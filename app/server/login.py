"""Who may enter: one layer around all routes, Streamlit's own too, so that a new one is closed from the start.

Plain ASGI, no Streamlit. Without a login nobody is asked, but a browser's socket and each change must come from a page
of this server. With one, a request comes in with a token (in its address, or as `Authorization: Bearer`), the cookie
that a token was exchanged for, the header of a trusted proxy, or the cookie of OpenID Connect.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from urllib.parse import parse_qs, parse_qsl, quote, urlencode

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.server import login_page
from app.server.failure_limit import FailureLimit
from comus_core.login import Login
from comus_core.person import ROLES, STRANGER, Person, Role, acting_as

COOKIE, LONGEST_LOGIN = "comus_login", 30 * 24 * 3600  # seconds that a cookie is good for
USER, ROLE = "x-comus-user", "x-comus-role"  # how Streamlit's sessions hear who logged in; never believed from outside
LOGIN, LOGOUT = "login", "logout"
OPEN = ("_stcore/health", "api/ready")  # answer without a login; the second says little then
OPEN_TO_OIDC = ("auth/login", "auth/logout", "oauth2callback")  # of Streamlit, by which one logs in
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
LONGEST_FORM, LONGEST_NAME = 4096, 80

NameOf = Callable[[HTTPConnection], str | None]


class LoginLayer:
    """Middleware: answers requests of people who are logged in, and asks all others to log in."""

    def __init__(self, app: ASGIApp, login: Login, base_path: str = "", oidc_name: NameOf = lambda _: None) -> None:
        self.app, self.login, self.oidc_name = app, login, oidc_name
        self.base = f"/{base_path.strip('/')}/" if base_path.strip("/") else "/"
        self.failures = FailureLimit()
        self.cookies = URLSafeTimedSerializer(f"{login.token} {login.viewer_token}", salt="comus login")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or ask for a login."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        connection = HTTPConnection(scope)
        answer = await self._answer(connection, receive)
        if isinstance(answer, Response):
            return await answer(scope, receive, send)
        with acting_as(answer):
            await self.app(_told(scope, answer), receive, send)

    async def _answer(self, connection: HTTPConnection, receive: Receive) -> Response | Person | None:
        """A response, or who it is for whom the app shall answer: None for nobody in particular."""
        scope, path = connection.scope, self._path(connection)
        changes = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if self.login.way == "none":
            bare = "origin" not in connection.headers and (changes or scope["type"] == "websocket")
            return refused("this server has no login, so it answers this only to its own pages", 403) if bare else None
        if path == LOGIN and self.login.way == "token" and scope["type"] == "http":
            return await self._log_in(Request(scope, receive))
        if path == LOGOUT and scope["type"] == "http":
            return self._log_out(connection)
        person = self._person(connection)
        if isinstance(person, Response):
            return person
        if person is None:
            names = (*OPEN, *OPEN_TO_OIDC) if self.login.way == "oidc" else OPEN
            is_open = scope["path"] in [f"{self.base}{name}" for name in names]
            return STRANGER if is_open and not changes else self._asked(connection)
        if changes and person.role == "viewer":
            return refused("you are logged in as a viewer: you can look at everything, but not change it", 403)
        if "token" in connection.query_params and _wants_page(connection):
            return self._entered(connection, person)
        return person

    def _path(self, connection: HTTPConnection) -> str:
        """Behind the path at which all is served, without slashes at the ends."""
        return str(connection.scope["path"]).removeprefix(self.base).strip("/")

    def _person(self, connection: HTTPConnection) -> Person | Response | None:
        if self.login.way == "token":
            return self._of_token(connection)
        name = self._named_by_proxy(connection) if self.login.way == "header" else self.oidc_name(connection)
        if not name:
            return None
        is_operator = not self.login.operators or name in self.login.operators
        return Person(_shown(name), "operator" if is_operator else "viewer")

    def _of_token(self, connection: HTTPConnection) -> Person | Response | None:
        """By the header, by the token in the address, else by the cookie.

        Behind a proxy all people have one address: too many wrong tokens keep out neither a cookie nor a right header.
        """
        if role := self._matching(_bearer(connection.headers)):
            return Person("", role)
        known, given = self._of_cookie(connection), connection.query_params.get("token")
        if not given:
            return known
        found = self._role(given, connection)
        if isinstance(found, Response) or found is None or (known and known.role == found):
            return known or (found if isinstance(found, Response) else None)
        return Person("", found)

    def _role(self, given: str, connection: HTTPConnection) -> Role | Response | None:
        """The role that a token of a form or an address gives; an answer instead of it after too many wrong ones."""
        client = (connection.scope.get("client") or ("", 0))[0]
        wait = self.failures.wait(client)
        if wait:
            return refused("too many wrong tokens: wait a minute", 429, {"Retry-After": str(wait)})
        role = self._matching(given)
        if role is None:
            self.failures.add(client)
        return role

    def _matching(self, given: str) -> Role | None:
        sent = given.encode("utf-8", "replace")
        found = [role for role, token in self._tokens() if hmac.compare_digest(token.encode(), sent)]
        return found[0] if found else None

    def _tokens(self) -> Iterable[tuple[Role, str]]:
        tokens = zip(ROLES, (self.login.token, self.login.viewer_token), strict=True)
        return [(role, token) for role, token in tokens if token]

    def _of_cookie(self, connection: HTTPConnection) -> Person | None:
        try:
            said = self.cookies.loads(connection.cookies.get(cookie_name(connection), ""), max_age=LONGEST_LOGIN)
            return Person(_shown(str(said["name"])), said["role"]) if said["role"] in ROLES else None
        except (BadData, KeyError, TypeError):
            return None

    def _named_by_proxy(self, connection: HTTPConnection) -> str | None:
        if not self.login.is_proxy((connection.scope.get("client") or ("", 0))[0]):
            return None
        names = connection.headers.getlist(self.login.user_header)
        if len(names) != 1:  # two: one of them is not the proxy's
            return None
        return names[0].encode("latin-1").decode("utf-8", "replace").strip()  # as proxies send what is not ASCII

    def _asked(self, connection: HTTPConnection) -> Response:
        """What one who is not logged in gets: the page to log in where a page was asked for, else a sentence."""
        if self.login.way == "header":
            return refused("this server answers only through its proxy, which logs people in", 401)
        if not _wants_page(connection):
            return refused(f"log in at {self.base}{LOGIN if self.login.way == 'token' else ''}, or send a token", 401)
        wanted = self._path(connection) + (f"?{_without_token(connection)}" if _without_token(connection) else "")
        wrong = "token" in connection.query_params
        return self._page(connection, wanted, "This token is not, or no longer, that of this server." if wrong else "")

    def _page(self, connection: HTTPConnection, wanted: str, fault: str = "", status: int = 401) -> Response:
        up = "../" * max(0, str(connection.scope["path"]).removeprefix(self.base).count("/"))
        body = login_page.page(f"{up}{LOGIN}", wanted, fault) if self.login.way == "token" else login_page.oidc(up)
        return HTMLResponse(body, status, {"Cache-Control": "no-store", "Content-Security-Policy": login_page.POLICY})

    async def _log_in(self, request: Request) -> Response:
        """The page, or what follows its form: a cookie and the page that was wanted, or the page again."""
        if request.method in ("GET", "HEAD"):
            person = self._person(request)
            if isinstance(person, Person):
                return self._entered(request, person)
            return self._page(request, "", status=200) if person is None else person
        if request.method != "POST":
            return refused("use GET or POST", 405)
        form = await _form(request)
        if form is None:
            return refused("this is no login", 413)
        role = self._role(form.get("token", ""), request)
        if isinstance(role, Response):
            return self._page(request, form.get("next", ""), "Too many wrong tokens: wait a minute.", 429)
        if not role:
            return self._page(request, form.get("next", ""), "This is not the token of this server.")
        person = Person(_shown(form.get("name", "")), role)
        return self._with_cookie(request, person, _own_page(form.get("next", "")))

    def _entered(self, connection: HTTPConnection, person: Person) -> Response:
        """The same page without the token in its address, where it could be seen, kept and passed on."""
        path, query = str(connection.scope["path"]), _without_token(connection)
        page = "" if self._path(connection) == LOGIN else quote(path.rpartition("/")[2])
        return self._with_cookie(connection, person, (page or "./") + (f"?{query}" if query else ""))

    def _with_cookie(self, connection: HTTPConnection, person: Person, location: str) -> Response:
        answer = Response(status_code=303, headers={"Location": location, "Cache-Control": "no-store"})
        value = self.cookies.dumps({"name": person.name, "role": person.role})
        # Without a path it is good below the page that set it, also where a proxy has put a path in front.
        answer.set_cookie(
            cookie_name(connection),
            str(value),
            LONGEST_LOGIN,
            path=None,
            secure=_is_secure(connection),
            httponly=True,
            samesite="lax",
        )
        return answer

    def _log_out(self, connection: HTTPConnection) -> Response:
        answer = Response(status_code=303, headers={"Location": "auth/logout" if self.login.way == "oidc" else "./"})
        answer.set_cookie(cookie_name(connection), "", 0, path=None, httponly=True, samesite="lax")
        return answer


def cookie_name(connection: HTTPConnection) -> str:
    """The cookie's name; browsers keep cookies by host, and two servers of one host have different ports."""
    return f"{COOKIE}_{(connection.scope.get('server') or ('', ''))[1]}"


def refused(sentence: str, status: int, headers: dict[str, str] | None = None) -> PlainTextResponse:
    """A sentence that no browser keeps."""
    more = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return PlainTextResponse(sentence, status, {"Cache-Control": "no-store", **more, **(headers or {})})


def _told(scope: Scope, person: Person | None) -> Scope:
    """The request with who it is from, and without what it says of that itself."""
    headers = [pair for pair in scope["headers"] if pair[0].lower() not in (USER.encode(), ROLE.encode())]
    if person is not None:
        headers += [(USER.encode(), quote(person.name).encode()), (ROLE.encode(), person.role.encode())]
    return {**scope, "headers": headers}


def _wants_page(connection: HTTPConnection) -> bool:
    return (
        connection.scope["type"] == "http"
        and connection.scope["method"] in ("GET", "HEAD")
        and "text/html" in connection.headers.get("accept", "")
    )


def _bearer(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "token") else ""


def _without_token(connection: HTTPConnection) -> str:
    pairs = parse_qsl(connection.scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return urlencode([(name, value) for name, value in pairs if name != "token"])


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of a form; None for one that is too long or was not sent to its end."""
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > LONGEST_FORM:
                return None
        pairs = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except (ClientDisconnect, ValueError):  # ValueError: more fields than the form has
        return None
    return {name: values[0] for name, values in pairs.items()}


def _shown(name: str) -> str:
    """A name in one line of characters that can be printed, and so be in a variable of a job."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:LONGEST_NAME]


def _own_page(wanted: str) -> str:
    """The address of a page of this server that was wanted before the login; the first one for any other address."""
    path = wanted.partition("?")[0]
    if path.startswith(("/", "\\", ".")) or ":" in path or "\\" in path or "//" in path or not wanted.isprintable():
        return "./"
    return quote(wanted, safe="/?=&%+-._~@") or "./"


def _is_secure(connection: HTTPConnection) -> bool:
    schemes = (connection.scope.get("scheme", ""), connection.headers.get("x-forwarded-proto", ""))
    return "https" in schemes
