"""How well clusters, or a trained round, agree with the ground truth: by class, by cell, by image, against others."""

import streamlit as st

from app.components.scores import evaluate_panel, protocol_panel, report_panel, tables_panel
from app.components.shared import choices, deciding, page_data, score_table, states
from app.data import round_data, score_data
from app.data.plain_text import plain, sentence
from comus_core.evaluation.image_rows import DISCOVERED
from comus_core.scoring.score_tables import class_rows, match_rows

view = page_data.current_view()
if not view.has_truth:
    evaluate_panel.without_truth(view)
    if not protocol_panel.of_images(view):
        states.no_ground_truth(truth=view.run.result.get("truth"))
    protocol_panel.elsewhere(view)
    tables_panel.show(view, None)
    report_panel.show(view)
    st.stop()

decided = page_data.decisions(view)
deciding.follow(view, decided.version)
with st.container(horizontal=True, vertical_alignment="center", gap="small", key="score_controls"):
    one = evaluate_panel.round_choice(view)
    offered = {name: score_data.MATCHING_WORDS[name] for name in score_data.matchings(view, decided)}
    matching = choices.segmented("Matching", offered, key="matching")
    sides = {"every": "All proposals", "core": "Core only"}
    filtered = one.number == 0 and choices.segmented("Proposals", sides, key="score_side") == "core"
    scored = round_data.scored(view, one, matching, filtered=filtered)
    reference = evaluate_panel.against(scored, matching)
fault = score_data.matching_fault(view, decided)
if fault:
    st.warning(f"The matching in the run's settings cannot be used. {sentence(fault)}", icon=":material/link_off:")

score = scored.score
proposals_words = sides["core" if filtered else "every"] if one.number == 0 else round_data.words(one, run=False)
said = score_table.about_run(view.run, score.matching, proposals_words, one.supervision)
reference_ious = reference.per_class if reference else None
classes = score_table.class_frame(class_rows(scored), scored.sizes, reference_ious)
matches = score_table.match_frame(match_rows(scored))

with st.container(horizontal=True, gap="medium", key="score_figures"):
    versus = f" Difference to {plain(reference.name)}, in points." if reference else ""
    difference = f"{score.miou - reference.miou:+.2f} points" if reference else None
    st.metric(
        "mIoU",
        f"{score.miou:.2f} %",
        difference,
        width="content",
        help=f"Mean over all classes, background included.{versus}",
    )
    st.metric("Pixel accuracy", f"{score.pixel_accuracy:.2f} %", width="content")
    if one.number == 0:
        st.metric("Coverage", f"{100 * scored.coverage:.1f} %", width="content")
    st.metric("Images", f"{len(scored.rows.image_ids):,}", width="content")
    st.metric("Classes", f"{len(scored.classes):,}", width="content", help="Background included.")
    st.metric(
        "Discovered",
        f"{len(scored.discovered)} of {len(scored.classes) - 1}",
        width="content",
        help=f"Object classes with an IoU of {DISCOVERED:g} % or more, as in Table 3 of the paper.",
    )
if one.number == 0:
    protocol_panel.quality(view, decided)
evaluate_panel.gain(view, scored, matching)
st.caption(
    sentence(round_data.explained(view, one, matching, filtered))
    + (f" {plain(reference.note)}" if reference and reference.note else "")
)
if one.dataset == view.run.config.dataset:
    states.truth_line(view.run.result.get("truth"))

left, right = st.columns(2, gap="large")
with left:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="classes"):
        st.header("Classes", anchor=False, width="content")
        score_table.download(classes, said, name="classes", key="download_classes")
    score_table.show_classes(classes)
with right:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="matches"):
        st.header("Matching", anchor=False, width="content")
        score_table.download(matches, said, name="matching", key="download_matching")
    score_table.show_matches(matches)
evaluate_panel.curves(scored, said, reference)
evaluate_panel.confused(scored, said, decided, filtered)
evaluate_panel.extremes(scored, decided)
protocol_panel.show(view, one)
tables_panel.show(view, one)
report_panel.show(view)
