"""One image: the way through the others, its layers, and its proposals."""

from __future__ import annotations

import html
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from app import state
from app.components.photo import Layer, drawn_object, mask_judgement, photo
from app.components.shared import choices, fields, glossary_list, notices
from app.components.shared.gallery import drawn_gallery, gallery
from app.data import image_navigation, run_cache, score_data, similar_query, urls
from app.data.colouring import Colouring, truth_colours
from app.data.image_navigation import Place
from app.data.plain_text import plain
from app.server.training_routes import ERROR_COLOURS, ERROR_WORDS
from comus_core.curation import filter_explanation
from comus_core.features.encoders import own_vectors
from comus_core.runs.round_masks import rounds_of, training_of_rounds
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.workspace import Artifact
from comus_core.workspace.decisions import Decisions

PAGE_SIZE = 1600  # longer side of the image as first shown
STYLE = Path(__file__).with_suffix(".css")
ROUND_WORDS = {1: "Teacher (round 1)", 2: "Student (round 2)"}
WALKS: dict[image_navigation.WalkName, str] = {"images": "All images", "cluster": "Same cluster"}


def navigation(view: RunView, place: Place, decided: Decisions) -> None:
    """Previous and next, the place between them, and a field to go elsewhere."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="image_walk"):
        name = choices.segmented("Browse", WALKS, key="walk")
        way = image_navigation.walk(view, place, name, decided)
        _step("Previous", "previous", way.before, view, "Left", "chevron_left")
        _step("Next", "next", way.after, view, "Right", "chevron_right")
        st.markdown(f"{way.number:,} of {way.count:,}", width="content")
        st.space("stretch")
        fields.text(
            "Go to an image",
            "go_to_image",
            "",
            partial(_find, view, place, decided),
            placeholder="Part of a file name",
            icon=":material/search:",
            label_visibility="collapsed",
            width=220,
        )


def picture(view: RunView, place: Place, decided: Decisions) -> None:
    """The image and its layers."""
    height, width = (int(v) for v in view.image_sizes[place.image_row])
    photo(
        key="photo",
        url=urls.image(view, place.image_row, PAGE_SIZE),
        full_url=urls.image(view, place.image_row, 0),
        size_hw=(height, width),
        alt=f"Image {view.image_ids[place.image_row]}",
        layers=_layers(view, place, decided),
    )


def facts(view: RunView, place: Place, decided: Decisions, colours: Colouring) -> None:
    """The facts about the image and its open proposal."""
    image_id = str(view.image_ids[place.image_row])
    height, width = view.image_sizes[place.image_row]
    st.html(f'<h2 class="comus-name">{html.escape(image_id)}</h2>')
    rows, objects = view.rows_of_image.get(image_id, []), view.drawn(decided)
    drawn = [str(objects.ids[r]) for r in objects.rows_of_image.get(image_id, [])]
    also = f" · {counted(len(drawn), 'drawn object')}" if drawn else ""
    excluded = " · excluded: in no category, score or training" if image_id in decided.layout.excluded else ""
    st.caption(f"{width} × {height} pixels · {counted(len(rows), 'proposal')}{also}{excluded}")
    if place.drawn is not None:
        mask_judgement.show(view, place, decided)
        drawn_object.show(view, place.drawn, decided)
    elif place.row is None:
        st.info(
            "No proposal was found in this image, so it counts as background. If it shows an object, draw it.",
            icon=":material/visibility_off:",
        )
        mask_judgement.show(view, place, decided)
    else:
        _proposal(view, place, place.row, decided, colours)
        glossary_list.explained(("proposal", "distance", "core", "saliency"), key="image_terms")
    _truth_legend(view, image_id)
    _error_legend(view)
    others = [row for row in rows if row != place.row]
    if others:
        st.markdown("**Other proposals in this image**")
        names, frames = [colours.name(int(r)) for r in others], [colours.colour(int(r)) for r in others]
        gallery(view, others, captions=names, outlines=frames, size=96, key="image_others")
    left = [r for r in objects.rows_of_image.get(image_id, []) if objects.ids[r] != place.drawn]
    drawn_gallery(view, decided, left, "Drawn objects in this image", size=96, key="image_drawn")


def similar(view: RunView, row: int, decided: Decisions, colours: Colouring) -> None:
    """The neighbours of a proposal in feature space."""
    rows, cosines = score_data.similar(view, row, decided)
    names, frames = [colours.name(int(r)) for r in rows], [colours.colour(int(r)) for r in rows]
    captions = [f"{cosine:.3f} · {name}" for cosine, name in zip(cosines, names, strict=True)]
    st.header("Similar proposals", anchor=False)
    words = "More like this: rank all proposals"
    words += "" if own_vectors(view.run.config.features.encoder) else ", or compare with an image of your own"
    st.caption("Nearest in feature space by cosine similarity, framed in the colour of their cluster.")
    address = html.escape(similar_query.address(view.run.id, [str(view.proposals.proposal_id[row])]))
    st.html(f'<a class="comus-link" data-more-like href="{address}">{words}</a>')
    gallery(view, list(rows), captions=captions, outlines=frames, size=160, key="image_similar")


def look_at(view: RunView, place: Place) -> None:
    """Open a place, in the session and the address."""
    if place.drawn is not None:
        state.pick(place.drawn)
    elif place.row is None:
        state.pick_image(str(view.image_ids[place.image_row]))
    else:
        state.pick(str(view.proposals.proposal_id[place.row]))


def _proposal(view: RunView, place: Place, row: int, decided: Decisions, colours: Colouring) -> None:
    standing = filter_explanation.explain_filter(view, row, decided)
    name, colour = colours.name(row), colours.colour(row)
    proposal, redrawn = str(view.proposals.proposal_id[row]), decided.layout.redrawn
    address = "clusters?" + urlencode({"run": view.run.id, "cluster": standing.cluster})
    link = f'<a class="comus-link" href="{html.escape(address)}">{html.escape(name)}</a>'
    shares = [(k, share) for k, share in filter_explanation.truth_shares(view, row, decided)[:3] if share >= 0.5]
    lines = [
        ("Cluster", f'<i style="background:{colour}"></i>{link if standing.cluster >= 0 else html.escape(name)}'),
        ("Distance", _distance(standing)),
        ("Filter", ("Core. " if standing.kept else "Filtered. ") + html.escape(standing.reason)),
        ("Area", f"{int(view.masks(decided).area[row]):,} pixels"),
        ("Mask", "drawn manually" if proposal in redrawn else "of the detector"),
        ("Saliency", f"{float(view.proposals.score[row]):.2f} mean inside the mask of the detector"),
    ]
    if shares:
        lines.append(("Ground truth", ", ".join(f"{html.escape(k)} {share:.0f} %" for k, share in shares)))
    mask_judgement.show(view, place, decided)
    listed = "".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in lines)
    crop = html.escape(urls.crop(view, row, 160, outline=colour))
    proposal_id = html.escape(proposal)
    st.html(
        f'<div class="comus-proposal" data-proposal="{proposal_id}" data-row="{row}" '
        f'data-kept="{str(standing.kept).lower()}">'
        f'<img src="{crop}" width="112" height="112" alt="Proposal {proposal_id}"><dl>{listed}</dl></div>'
    )


def _distance(standing: filter_explanation.FilterExplanation) -> str:
    if standing.cluster < 0:
        return "–"
    return "moved here manually" if standing.by_hand else f"{standing.distance:.4f} (cosine to the centre)"


def _truth_legend(view: RunView, image_id: str) -> None:
    classes = filter_explanation.classes_in(view, image_id)
    if classes:
        colour_of = truth_colours(view)
        words = [
            f'<span><i style="background:{colour_of[k - 1]}"></i>{html.escape(view.classes[k])}</span>' for k in classes
        ]
        st.html(f'<div class="comus-legend"><b>Ground truth</b>{"".join(words)}</div>')


def _error_legend(view: RunView) -> None:
    if view.has_truth:
        words = [f'<span><i style="background:{ERROR_COLOURS[k]}"></i>{ERROR_WORDS[k]}</span>' for k in ERROR_COLOURS]
        st.html(f'<div class="comus-legend"><b>Errors</b>{"".join(words)}</div>')


def _layers(view: RunView, place: Place, decided: Decisions) -> list[Layer]:
    at = place.image_row
    layers = [Layer("saliency", "Saliency", urls.layer(view, at, "saliency"))]
    if place.row is not None or len(view.drawn(decided).of_image(str(view.image_ids[at]))):
        layers += [
            Layer("proposal", "Proposals", urls.layer(view, at, "proposal", decided=decided), shown=True, opacity=0.55),
            Layer("pseudo_mask", "Pseudo-mask", urls.layer(view, at, "pseudo_mask", decided=decided)),
        ]
    for number, predictions in rounds_of(view).items():
        name, title = urls.round_layer(number), ROUND_WORDS.get(number, f"Round {number}")
        layers.append(Layer(name, title, _predicted(view, at, number, predictions)))
    if view.has_truth:
        layers.append(Layer("truth", "Ground truth", urls.layer(view, at, "truth")))
        layers.append(Layer("errors", "Errors of the proposals", urls.layer(view, at, "errors", decided=decided)))
        layers += _round_errors(view, str(view.image_ids[at]))
    return layers


def _round_errors(view: RunView, image_id: str) -> list[Layer]:
    """Where each round is wrong, if its training is scored on these images."""
    training = training_of_rounds(view)
    rounds = run_cache.rounds_of(training) if training is not None else None
    if rounds is None or rounds.dataset.spec != view.run.config.dataset or image_id not in rounds.image_ids:
        return []
    row, scored = rounds.image_ids.index(image_id), [n for n in rounds.rounds if n in rounds.class_of]
    return [
        Layer(f"errors-{n}", f"Errors of round {n}", urls.round_picture(rounds, f"errors-{n}", row)) for n in scored
    ]


def _predicted(view: RunView, image_row: int, number: int, predictions: Artifact) -> str:
    return urls.predicted(view, image_row, number, predictions.fingerprint)


def _step(label: str, key: str, place: Place | None, view: RunView, shortcut: str, icon: str) -> None:
    st.button(
        label,
        key=f"{key}_image",
        icon=f":material/{icon}:",
        shortcut=shortcut,
        disabled=place is None,
        on_click=(lambda: look_at(view, place)) if place is not None else None,
    )


def _find(view: RunView, place: Place, decided: Decisions, text: str) -> None:
    image_row = image_navigation.find_image(view, text, place.image_row)
    if image_row is not None:
        look_at(view, image_navigation.place_of(view, decided, None, str(view.image_ids[image_row])) or place)
    elif text.strip():
        notices.say(f"No matching image: {plain(text)}", "search_off")
