"""A Streamlit app with one map and the routes it reads, for `streamlit run`; counts what each route was asked."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import streamlit as st
from PIL import Image, ImageDraw
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.data.palette import UNASSIGNED, colours
from app.data.point_buffers import MEDIA_TYPE, pack_colours, pack_points
from tests.app.point_map_harness.points import points

asked: Counter[str] = Counter()


def serve_points(request: Request) -> Response:
    asked["points"] += 1
    place, _ = points(request.path_params["n"], request.path_params["groups"])
    return Response(pack_points(place), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def serve_colours(request: Request) -> Response:
    asked["colours"] += 1
    place, group = points(request.path_params["n"], request.path_params["groups"])
    if request.path_params["kind"] == "side":
        group = (place[:, 0] > 0).astype(int)
    return Response(pack_colours(group), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def serve_image(request: Request) -> Response:
    asked["images"] += 1
    index, n, groups = (request.path_params[name] for name in ("i", "n", "groups"))
    group = points(n, groups)[1][index]
    image = Image.new("RGB", (132, 132), "#d9d4c8")
    ImageDraw.Draw(image).ellipse((20, 30, 112, 102), fill=UNASSIGNED if group < 0 else colours(groups)[group])
    body = io.BytesIO()
    image.save(body, "PNG")
    return Response(body.getvalue(), media_type="image/png")


def serve_asked(_: Request) -> Response:
    return JSONResponse(asked)


app = st.App(
    Path(__file__).with_name("page.py"),
    routes=[
        Route("/harness/points/{n:int}/{groups:int}", serve_points),
        Route("/harness/colours/{kind}/{n:int}/{groups:int}", serve_colours),
        Route("/harness/image/{n:int}/{groups:int}/{i:int}", serve_image),
        Route("/harness/asked", serve_asked),
    ],
)
