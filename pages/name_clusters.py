"""One cluster at a time, with large crops and a field for its name: all are named without a mouse."""

import streamlit as st

from app.components.naming import names_file_panel, naming_actions, naming_panel
from app.components.shared import deciding, page_data, states
from app.data.colouring import colouring
from comus_core.curation import naming
from comus_core.scoring.cluster_summary import summaries

view = page_data.current_view()
decided = page_data.decisions(view)
order = naming.naming_order(view, decided)
cluster = naming_actions.opened(view, decided, order)
st.html(naming_panel.STYLE)
deciding.follow(view, decided.version)

if cluster is None:
    states.empty("No cluster to name", "Every cluster is rejected. Restore one on the Clusters page.", "label_off")
    st.stop()

known = summaries(view, decided)
at = next(place for place, summary in enumerate(known) if summary.cluster == cluster)
labels = view.labels(decided)
colour_of = dict(zip(labels.ids, colouring(view, "cluster", decided).colours, strict=True))
coming = naming.next_unnamed(order, decided.names, cluster)
ahead = naming_panel.addresses(view, next((s for s in known if s.cluster == coming), None))

naming_panel.head(view, decided, order, cluster)
naming_panel.title(decided, order, known, at, colour_of[cluster])
naming_panel.field(view, decided, order, known[at], ahead)
naming_panel.finished(decided, order)
naming_panel.crops(view, known[at])
names_file_panel.show(view, decided)
