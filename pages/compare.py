"""Two rounds on the same images: their maps with one lasso, each class's difference, the images that changed."""

import streamlit as st

from app.components.compare import compare_images, compare_panel, compare_selection
from app.components.shared import deciding, page_data, states
from app.components.training import training_strip
from app.data import compare_data, round_data
from app.data.plain_text import plain
from comus_core.errors import ComusError

view = page_data.current_view()
decided = page_data.decisions(view)
deciding.follow(view, decided.version)
with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="compare_controls"):
    pair = compare_panel.sides(view)
    matching = compare_panel.matching_choice(view) if pair else "hungarian"
    if pair:
        compare_panel.method_choice()
if pair is None:
    states.empty(
        "Nothing to compare with yet",
        "Train this run, or start another run on the same images, to compare two rounds.",
        "compare",
    )
    st.stop()

st.html(training_strip.STYLE)
first, second = pair
if second.view.run.id != view.run.id:
    deciding.follow(second.view, second.decided.version)
names = (
    round_data.words(first.subject, beside=second.subject),
    round_data.words(second.subject, beside=first.subject),
)
supervision = compare_panel.supervision_words(first, second)
st.caption(f"{plain(names[0])} compared with {plain(names[1])}. Both together: {plain(supervision)}.")
drawn_side, selection = compare_panel.maps(first, second, matching)
among = None
if selection.gestures:
    source = pair[drawn_side == "second"]
    among = compare_data.images_of(source, selection)
    compare_selection.of_map(first, source, selection, among, decided)

scores = None
try:
    if view.has_truth:
        scores = round_data.scored_alike(view.workspace, first.subject, second.subject, matching)
        ids, values = compare_data.gained(*scores)
        compare_panel.table(*scores, names=names, supervision=supervision)
    else:
        agreement = compare_panel.agreed(first, second)
        if agreement is None:
            st.stop()
        ids, values = list(agreement.rows.image_ids), agreement.pixels.ious
    image_id = compare_images.walk(first, second, ids, values, among, scores is not None, decided)
    if image_id is not None:
        compare_images.side_by_side(first, second, image_id, matching, scores)
except ComusError as fault:
    states.error(fault)
