"""The page that asks for a login. It loads nothing: whoever is not logged in gets no file of this server."""

from __future__ import annotations

import html

POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { display: grid; place-items: center; min-height: 90vh; margin: 0; background: Canvas; color: CanvasText }
main { width: min(24rem, 88vw) } h1 { font-size: 1.5rem; margin: 0 0 .5rem }
label { display: block; margin-top: 1rem; font-weight: 600 }
input { box-sizing: border-box; width: 100%; padding: .6rem; font: inherit; border: 1px solid #8b93a0;
  border-radius: .6rem }
button, .go { display: inline-block; margin-top: 1.25rem; padding: .6rem 1.25rem; font: inherit; font-weight: 600;
  border: 0; border-radius: .6rem; background: #2f5bd7; color: #fff; cursor: pointer; text-decoration: none }
.fault { padding: .6rem .8rem; border-radius: .6rem; background: #c9252d; color: #fff }
small { font-weight: 400; display: block }
"""
FRAME = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="robots" content="noindex">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Log in · COMUS Explorer</title>'
    "<style>{style}</style></head><body><main><h1>COMUS Explorer</h1>{body}</main></body></html>"
)


def page(action: str, wanted: str, fault: str = "") -> str:
    """The form for a token: sent to `action`, then the page `wanted`; `fault` says what was wrong before."""
    said = f'<p class="fault" role="alert">{html.escape(fault)}</p>' if fault else ""
    return FRAME.format(
        style=STYLE,
        body="<p>Enter the token of this server. <code>comus app</code> printed it in the terminal, at the end of the "
        f"address.</p>"
        f'{said}<form method="post" action="{html.escape(action)}">'
        f'<input type="hidden" name="next" value="{html.escape(wanted)}">'
        '<label for="token">Token</label><input id="token" name="token" type="password" required autofocus '
        'autocomplete="current-password">'
        '<label for="name">Your name <small>Optional; recorded with your decisions</small></label>'
        '<input id="name" name="name" maxlength="80" autocomplete="name"><button>Log in</button></form>',
    )


def oidc(up: str) -> str:
    """The page with the way to the identity provider, which Streamlit leads to."""
    from app.server.oidc import login_address

    address = html.escape(up + login_address())
    return FRAME.format(style=STYLE, body=f'<p>Log in to continue.</p><a class="go" href="{address}">Log in</a>')
