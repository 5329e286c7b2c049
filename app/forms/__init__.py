"""What a person asks for, as settings, cost, command and job; no Streamlit."""
