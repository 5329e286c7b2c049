"""A card a cluster, its core and what the filter drops side by side, as in the paper's Figure 3."""

import streamlit as st

from app import state
from app.components.clusters import cluster_actions, cluster_card, cluster_keys, encoders_panel, how_many_panel
from app.components.shared import choices, deciding, glossary_list, page_data, states
from app.components.shared.gallery import paged
from app.data import score_data
from app.data.colouring import colouring
from comus_core.scoring.cluster_summary import CropOrder, Order, ordered

ORDERS: dict[Order, str] = {
    "size": "Largest first",
    "number": "By number",
    "name": "By name",
    "tightness": "Tightest first",
    "uncertainty": "Least certain first",
    "confidence": "Least salient first",
    "match": "Best match first",
}
CROPS: dict[CropOrder, str] = {"near": "Nearest first", "far": "Farthest first", "uncertain": "Least certain first"}
CARDS = 10

view = page_data.current_view()
decided = page_data.decisions(view)
summaries = score_data.summaries(view, decided)
labels = view.labels(decided)
colour_of = dict(zip(labels.ids, colouring(view, "cluster", decided).colours, strict=True))
near = score_data.nearest(view, decided)
opened, beside = ((decided.layout.into.get(k, k) if k is not None else None) for k in state.opened_clusters())
alone = next((s for s in summaries if s.cluster == opened), None)
other = next((s for s in summaries if s.cluster == beside), None)
pair = [s for s in (alone, other) if s is not None] if alone is not other else []
st.html(cluster_card.STYLE)
cluster_actions.pick(view, cluster_keys.listen())
deciding.follow(view, decided.version)

with st.container(horizontal=True, vertical_alignment="center", gap="small", key="cluster_controls"):
    if alone is not None:
        beside = beside if len(pair) == 2 else None
        state.open_cluster(opened, beside)  # into the address, from which a page change has wiped it
        st.button(
            "All clusters", key="all_clusters", icon=":material/arrow_back:", on_click=state.open_cluster, args=(None,)
        )
    else:
        offered = {k: words for k, words in ORDERS.items() if k != "match" or view.has_truth}
        order = choices.selected("Order of the clusters", offered, key="cluster_order", width=170)
        search = choices.searched("Find a name or class", key="cluster_search", width=220)
    crops = choices.segmented("Order of the crops", CROPS, key="crop_order")
    st.caption("Edit a name to rename its cluster; drag a crop to another cluster to move it.", width="content")
    glossary_list.explained(("core", "distance", "uncertainty"), key="cluster_terms")

if len(pair) == 2:
    cluster_actions.bar(view, decided, [s.cluster for s in pair], "pair")
    cluster_actions.crops_bar(view, decided, [s.cluster for s in pair])
    cluster_card.pair(view, decided, pair, [colour_of[s.cluster] for s in pair], crops)
    st.stop()

if alone is not None:
    cluster_actions.bar(view, decided, [alone.cluster], "alone")
    cluster_actions.crops_bar(view, decided, [alone.cluster])
    cluster_card.alone(view, decided, alone, colour_of[alone.cluster], near[alone.cluster], crops)
    st.stop()

cluster_actions.bar(view, decided, cluster_actions.selected(view, decided))
cluster_actions.crops_bar(view, decided)
cluster_actions.candidates(view, decided)

visible = ordered(summaries, order, search)
if not visible:
    states.empty("No matching cluster", "The search covers cluster names and matched classes.", "search_off")
page = paged(len(visible), key=f"clusters-{view.run.id}-{order}-{search}", page_size=CARDS)
for summary in visible[page]:
    cluster_card.show(view, decided, summary, colour_of[summary.cluster], near[summary.cluster], crops)
if len(visible) > CARDS:
    st.caption(f"Clusters {page.start + 1} to {min(page.stop, len(visible))} of {len(visible)}")
cluster_actions.rejected(view, decided)
how_many_panel.show(view)
encoders_panel.folded(view)
