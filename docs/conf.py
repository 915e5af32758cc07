"""Settings of Sphinx, which makes the site of these pages: `nox -s site`.

The pages are plain Markdown, to be read in the repository too. On their way into the site, the
links that each index page lists become the site's tree, and links to sources lead to copies.
"""

import re
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path

DOCS = Path(__file__).parent
CHANGELOG = DOCS.parent / "CHANGELOG.md"

project = "phos"
author = "the phos authors"
copyright = author
version = release = version_of("phos-core")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
root_doc = "index"
html_theme = "furo"
html_title = f"phos {version}"
html_show_sphinx = False

myst_heading_anchors = 4  # pages link to each other's headings
suppress_warnings = ["misc.highlighting_failure"]  # TOML and shell are shown as they are
autosummary_generate = False  # numpydoc loads it; the pages say by themselves what they list
autodoc_typehints = "none"  # numpydoc's sections have the types, with shapes and units
default_role = "code"  # what stands between single backticks in docstrings
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # autodoc lists them
viewcode_follow_imported_members = True

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]+)(#[^)\s]*)?\)")
LISTED = re.compile(r"^- \[[^\]]+\]\(([^)\s#]+\.md)\)", re.MULTILINE)
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
MODULE = re.compile(r"^\.\. automodule:: (\S+)\n(?:^ .*\n)*", re.MULTILINE)
OTHER_PLACES = {
    "CHANGELOG.md": "changelog.md",
    "README.md": "index.md",
    "docs/decisions": "decisions/index.md",
    "docs/effects": "effects/index.md",
}


def setup(app):
    """Have each page prepared before it is read."""
    app.connect("source-read", prepare)


def prepare(_, docname, text):
    """Change the text of a page, which Sphinx hands over as a list of one."""
    page = CHANGELOG if docname == "changelog" else DOCS / f"{docname}.md"
    written = MODULE.sub(only_if_it_is_there, page.read_text(encoding="utf-8"))
    if page.stem == "index":
        written += trees(written)
    text[0] = LINK.sub(lambda link: elsewhere(page, link), written)


def only_if_it_is_there(directive):
    """Leave out a module that is not installed where the site is built."""
    return directive[0] if find_spec(directive[1]) else f"``{directive[1]}`` is not installed.\n"


def trees(text):
    """Make a hidden table of contents of the links that each section lists."""
    captions = ["", *(f":caption: {name}\n" for name in SECTION.findall(text))]
    listed = [LISTED.findall(section) for section in SECTION.split(text)[::2]]
    return "".join(
        "\n```{toctree}\n:hidden:\n" + caption + "\n" + "\n".join(pages) + "\n```\n"
        for caption, pages in zip(captions, listed, strict=True)
        if pages
    )


def elsewhere(page, link):
    """Turn a link to what is no page of the site into one that leads somewhere."""
    words, target, anchor = link[1], link[2], link[3] or ""
    if "://" in target:
        return link[0]
    place = (page.parent / target).resolve()
    inside = place.relative_to(DOCS.parent).as_posix()
    if inside in OTHER_PLACES:
        return f"[{words}](/{OTHER_PLACES[inside]}{anchor})"
    if place.is_dir():
        return words if "`" in words else f"`{words}`"  # a folder has no page
    if place.is_relative_to(DOCS):
        return f"[{words}](/{place.relative_to(DOCS).as_posix()}{anchor})"
    if place.suffix == ".md":
        return f"{words} (`{inside}`)"
    return link[0]
