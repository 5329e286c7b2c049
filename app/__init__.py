"""The Streamlit side: pages' frame, routes, state and components over `comus_core`."""
