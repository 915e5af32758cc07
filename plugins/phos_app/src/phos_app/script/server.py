"""What ``phos app`` serves: the page's script, behind a gate."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from phos_app.gate import Gate

app = st.App(Path(__file__).with_name("start.py"), middleware=[Middleware(Gate)])
