"""What is at work and what has ended; and all runs, to be named, noted, put away or deleted."""

import streamlit as st

from app import navigation
from app.components import choices, job_panel, run_list
from app.components.job_card import STYLE

st.html(STYLE)
with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="jobs_head"):
    st.title("Jobs and runs", anchor=False, width="content")
    side = choices.segmented("Jobs or runs", {"jobs": "Jobs", "runs": "Runs"}, key="jobs_or_runs")
    st.page_link(navigation.page("new"), label="New run", icon=navigation.PAGES["new"].icon)

if side == "jobs":
    job_panel.show()
else:
    run_list.show()
