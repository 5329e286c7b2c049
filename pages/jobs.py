"""Running and ended jobs; all runs, to rename, annotate, archive or delete; and their disk use."""

import streamlit as st

from app import state
from app.components.jobs import disk_panel, job_panel, run_list
from app.components.shared import choices, navigation
from app.components.shared.job_card import STYLE

st.html(STYLE)
if "side" in state.parameters():  # a link that leads to one side
    state.set_setting("jobs_or_runs", state.parameters()["side"])
    state.forget("side")
with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="jobs_head"):
    st.title("Jobs and runs", anchor=False, width="content")
    side = choices.segmented("Jobs, runs or disk", {"jobs": "Jobs", "runs": "Runs", "disk": "Disk"}, key="jobs_or_runs")
    st.page_link(navigation.page("new"), label="Discover", icon=navigation.PAGES["new"].icon)

if side == "jobs":
    job_panel.show()
elif side == "runs":
    run_list.show()
else:
    disk_panel.show()
