"""A page of your own: a picture, a film, and where to compute, in fifty lines of Streamlit.

    pip install streamlit
    streamlit run examples/streamlit_page.py

`phos app` is the darkroom in a browser; this shows how `phos_core` goes into a page like any other
library.
"""

import numpy as np
import streamlit as st
from PIL import Image, ImageOps

import phos_core as phos
from phos_core.convolution import memory_of, select

ON_A_GPU = ("cupy", "torch:cuda", "torch:mps", "mlx")
MOST_PIXELS = 1500  # of the long side: a page, not a darkroom


def page():
    """Show the page."""
    st.title("Film, computed")
    names = [film.name for film in phos.films()]
    film = st.selectbox("Film", names, index=names.index("portra-400"))
    exposure = st.slider("Exposure, stops", -3.0, 3.0, 0.0, 0.1)
    backend = choose_backend()
    file = st.file_uploader("A photograph", type=["jpg", "jpeg", "png"])
    if file is None:
        st.info("Choose a photograph.")
        return
    with Image.open(file) as image:
        image.thumbnail((MOST_PIXELS, MOST_PIXELS))
        picture = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    recipe = phos.Recipe(film=film, exposure_stops=exposure)
    with st.spinner("Developing"):
        positive, report = phos.develop_with_report(picture, recipe=recipe, backend=backend)
    before, after = st.columns(2)
    before.image(picture, caption="before")
    after.image(positive, caption=film)
    seconds = sum(report.step_seconds.values())
    st.caption(f"{report.backend} on {report.device}, {1000 * seconds:.0f} ms")
    for event in report.events:
        st.warning(event)
    show_memory(report.backend)


def choose_backend():
    """Switch between the GPU and the CPU; None is the best backend that runs."""
    reports = {report.name: report for report in phos.backends(waits=False)}
    on_gpu = [name for name in ON_A_GPU if name in reports and reports[name].status == "ok"]
    uses_gpu = st.toggle("Use the GPU", value=bool(on_gpu), disabled=not on_gpu)
    with st.expander("Status"):
        for report in reports.values():
            st.text(f"{report.name}: {report.status}. {report.reason}")
    return on_gpu[0] if uses_gpu else "scipy"


def show_memory(name):
    """Show how full the memory is where the picture was computed."""
    memory = memory_of(select(name, pixels=0).backend)
    if memory.free_bytes is not None:
        st.metric("Free memory", f"{memory.free_bytes / 2**30:.1f} GiB")


page()
