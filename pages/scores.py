"""How well the clusters agree with the ground truth: per class, and which cluster became which class."""

import streamlit as st

from app import score_data, view_data
from app.components import choices, score_table, states
from comus_core import score_tables
from comus_core.view_scores import coverage

view = view_data.current_view()
if view.counts is None:
    states.no_ground_truth()
    st.stop()

decided = view_data.decisions(view)
labels = view.labels(decided)
with st.container(horizontal=True, vertical_alignment="center", gap="small", key="score_controls"):
    offered = {name: score_data.MATCHING_WORDS[name] for name in score_data.matchings(view, decided)}
    matching = choices.segmented("Matching", offered, key="matching")
    sides = {"every": "Every proposal", "core": "Core only, as decided"}
    filtered = choices.segmented("Proposals", sides, key="score_side") == "core"
fault = score_data.matching_fault(view, decided)
if fault:
    st.warning(f"The matching of the run's settings cannot be used. {fault}", icon=":material/link_off:")

scored = score_data.scored(view, decided, matching, filtered=filtered)
score = scored.score
said = score_table.about(view, score.matching, sides["core" if filtered else "every"])
classes = score_table.class_frame(score_tables.class_rows(scored, view.classes, labels))
matches = score_table.match_frame(score_tables.match_rows(scored, view.classes, labels))

with st.container(horizontal=True, gap="medium", key="score_figures"):
    st.metric("mIoU", f"{score.miou:.2f} %", width="content", help="Mean over all classes, background included.")
    st.metric("Pixel accuracy", f"{score.pixel_accuracy:.2f} %", width="content")
    st.metric("Coverage", f"{100 * coverage(view, decided) if filtered else 100:.1f} %", width="content")
    st.metric("Images", f"{len(view.image_ids):,}", width="content")
    st.metric("Classes", f"{len(view.classes):,}", width="content", help="Background is one of them.")
st.caption(score_data.explained(view, decided, matching, filtered))

left, right = st.columns(2, gap="large")
with left:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="classes"):
        st.subheader("Classes", anchor=False, width="content")
        score_table.download(classes, said, name="classes", key="download_classes")
    score_table.show_classes(classes)
with right:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="matches"):
        st.subheader("Matching", anchor=False, width="content")
        score_table.download(matches, said, name="matching", key="download_matching")
    score_table.show_matches(matches)
