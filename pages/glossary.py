"""The words of this project and what they mean."""

import streamlit as st

from app.components.shared import glossary_list

st.title("Glossary", anchor=False)
glossary_list.show()
