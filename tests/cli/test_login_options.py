"""The options of `comus app` that say how people log in, and their variables."""

import os

import pytest
from click.testing import CliRunner

from comus_core.cli import app as module
from comus_core.cli.login_options import environment_of
from comus_core.cli.main import cli
from comus_core.compute.ray_workers import worker_variables
from comus_core.errors import SettingsError
from comus_core.jobs import launcher
from comus_core.login import NO_LOGIN, OPERATORS, TOKEN, TRUSTED_PROXY, USER_HEADER, VARIABLES, VIEWER_TOKEN, login_of

LONG, OTHER = "a-token-of-a-test", "another-token-of-a-test"


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """`opened(*words, **variables)`: what `comus app` prints, and the login that its server would have."""

    def run(*words: str, **variables: str):
        with monkeypatch.context() as patch:
            patch.setattr(module, "serve", lambda place, served: None)
            for name in (NO_LOGIN, TOKEN, VIEWER_TOKEN, "FORWARDED_ALLOW_IPS"):
                patch.delenv(name, raising=False)
            for name, value in variables.items():
                patch.setenv(name, value)
            done = CliRunner().invoke(cli, ["app", "--no-browser", "--workspace", str(tmp_path), *words])
            if done.exception is not None:
                raise done.exception
            login = login_of(os.environ)
            for name in VARIABLES:
                os.environ.pop(name, None)
        return done.output, login

    return run


def test_the_address_has_a_new_token_that_the_server_knows(opened):
    said, login = opened()
    assert login.way == "token" and f"/?token={login.token}\n" in said
    assert opened()[1].token != login.token


def test_two_tokens_are_two_addresses(opened):
    said, login = opened("--token", LONG, "--viewer-token", OTHER, "--host", "0.0.0.0")
    assert (login.token, login.viewer_token) == (LONG, OTHER)
    assert f"?token={LONG}\n" in said and f"Viewers log in at http://127.0.0.1:8501/?token={OTHER}" in said
    assert "not encrypted" in said and "NO LOGIN" not in said


def test_no_login_is_said_out_loud_where_others_can_come(opened):
    said, login = opened("--no-login", "--host", "0.0.0.0")
    assert login.way == "none" and "THERE IS NO LOGIN" in said and "token=" not in said
    assert "NO LOGIN" not in opened("--no-login")[0]


def test_an_option_wins_over_the_variables(opened):
    assert opened("--token", LONG, COMUS_NO_LOGIN="1")[1].token == LONG
    assert opened(COMUS_TOKEN=LONG)[1].token == LONG
    assert opened("--viewer-token", OTHER, COMUS_TOKEN=LONG)[1].token == LONG


def test_an_option_leaves_the_variables_that_belong_to_it():
    proxy = {USER_HEADER: "X-User", TRUSTED_PROXY: "::1", TOKEN: LONG}
    assert environment_of({"token": LONG}, {VIEWER_TOKEN: OTHER, NO_LOGIN: "1"}) == {TOKEN: LONG, VIEWER_TOKEN: OTHER}
    assert environment_of({"trusted_proxy": "::2"}, proxy) == {USER_HEADER: "X-User", TRUSTED_PROXY: "::2"}
    assert environment_of({"user_header": "X-Us"}, proxy) == {USER_HEADER: "X-Us", TRUSTED_PROXY: "::1"}
    assert environment_of({"operators": "ada"}, proxy) == proxy | {OPERATORS: "ada"}


@pytest.mark.parametrize("words", [("--token", LONG), ("--no-login",), ()])
def test_operators_who_are_not_known_by_name_are_refused(opened, words):
    with pytest.raises(SettingsError, match="--viewer-token"):
        opened("--operators", "ada", *words)
    with pytest.raises(SettingsError, match="--viewer-token"):
        opened(*words, COMUS_OPERATORS="ada")


def test_openid_connect_needs_its_operators(opened):
    with pytest.raises(SettingsError, match="--oidc needs --operators"):
        opened("--oidc")
    assert opened("--oidc", "--operators", "ada@example.org")[1].operators == {"ada@example.org"}


def test_a_server_left_running_has_the_same_warnings(opened, monkeypatch):
    monkeypatch.setattr(module, "leave_running", lambda place, served: 4711)
    said, _ = opened("--detach", "--viewer-token", OTHER, "--host", "0.0.0.0")
    assert "kill 4711" in said and f"?token={OTHER}" in said and "not encrypted" in said
    assert "THERE IS NO LOGIN" in opened("--detach", "--no-login", "--host", "0.0.0.0")[0]


def test_the_browser_waits_for_an_address_that_needs_no_login(monkeypatch):
    asked, shown = [], []
    monkeypatch.setattr(module, "_answers", lambda url, seconds, going: asked.append(url) or True)
    monkeypatch.setattr(module.webbrowser, "open", shown.append)
    module._open_when_ready(module.Served("127.0.0.1", 8501, "comus"), "http://127.0.0.1:8501/comus/explore")
    assert asked == ["http://127.0.0.1:8501/comus/_stcore/health"]
    assert shown == ["http://127.0.0.1:8501/comus/explore"]


def test_processes_of_jobs_and_of_a_cluster_know_no_token(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(launcher.subprocess, "Popen", lambda *_, **how: started.append(how["env"]))
    for name in VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("COMUS_WEIGHTS", "/weights")
    launcher.spawn("worker", tmp_path, [], tmp_path / "log", folder=tmp_path)
    for environment in (*started, worker_variables()):
        assert environment["COMUS_WEIGHTS"] == "/weights" and not environment.keys() & set(VARIABLES)


def test_half_a_proxy_is_refused(opened):
    with pytest.raises(SettingsError, match="--trusted-proxy"):
        opened("--user-header", "X-Forwarded-User")


def test_the_variables_of_the_options():
    said = environment_of({"user_header": "X-User", "trusted_proxy": "::1", "no_login": False}, {OPERATORS: "ada"})
    assert said == {USER_HEADER: "X-User", TRUSTED_PROXY: "::1", OPERATORS: "ada"}
