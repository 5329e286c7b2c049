"""Options of `comus app` that say how people log in; each has a variable, which jobs and containers can set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from itertools import chain
from typing import Any

import click

from comus_core import login

# option -> (variable, words)
TEXTS = {
    "--token": (
        login.TOKEN,
        "Operators log in with it; at least 12 characters. Default: a new one at each start, in the address printed.",
    ),
    "--viewer-token": (login.VIEWER_TOKEN, "Whoever logs in with it can look at everything, and change nothing."),
    "--user-header": (login.USER_HEADER, "A proxy logs people in and names them in this header."),
    "--trusted-proxy": (login.TRUSTED_PROXY, "Addresses or networks of that proxy, between commas."),
    "--operators": (
        login.OPERATORS,
        "Users who may change things, between commas; others are viewers. A proxy's: all.",
    ),
}
FLAGS = {
    "--oidc": (login.OIDC, "Log in with OpenID Connect: [auth] in .streamlit/secrets.toml."),
    "--no-login": (login.NO_LOGIN, "Let everyone in who reaches the address."),
}


def LOGIN(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options, in the order above."""
    texts = [
        click.option(name, metavar="TEXT", help=f"{words} ({variable})") for name, (variable, words) in TEXTS.items()
    ]
    flags = [
        click.option(name, is_flag=True, help=f"{words} ({variable}=1)") for name, (variable, words) in FLAGS.items()
    ]
    return reduce(lambda done, option: option(done), reversed([*texts, *flags]), command)


def environment_of(options: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of a login: the options, and of the environment what belongs to the same way, or to any if none."""
    given = {
        variable: "1" if value is True else str(value)
        for name, (variable, _) in (TEXTS | FLAGS).items()
        if (value := options.get(name.strip("-").replace("-", "_")))
    }
    chosen = [names for names in login.OF_ONE_WAY if given.keys() & set(names)]
    kept = (*chain(*(chosen or login.OF_ONE_WAY)), login.OPERATORS)
    return {name: environment[name] for name in kept if environment.get(name)} | given
