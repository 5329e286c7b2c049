"""The landing: what the program does and the two ways in; where there are runs, these with what comes next."""

import streamlit as st

from app.components.home import run_tiles, welcome
from app.components.shared import page_data

runs = page_data.runs()
st.title("Home" if runs else "COMUS Explorer", anchor=False)
if runs:
    run_tiles.show(runs)
    welcome.begin()
else:
    welcome.show()
