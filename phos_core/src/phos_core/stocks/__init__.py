"""Films and papers: their data sheets, and how these become closed forms.

The names here are for programs that list stocks, load them, or keep a record of which was used.
"""

from phos_core.stocks import toml_text
from phos_core.stocks.baking import SCANNERS
from phos_core.stocks.film import FILM_FORMATS_UM, Film
from phos_core.stocks.grey_scale import grey_scale_density
from phos_core.stocks.library import (
    PRINTED_ON,
    SCANS,
    FilmSummary,
    Summary,
    film_hash,
    film_names,
    films,
    is_path,
    paper_hash,
    paper_summaries,
    papers,
)
from phos_core.stocks.loading import load_film
from phos_core.stocks.treatment import BOUNDS

__all__ = [
    "BOUNDS",
    "FILM_FORMATS_UM",
    "PRINTED_ON",
    "SCANNERS",
    "SCANS",
    "Film",
    "FilmSummary",
    "Summary",
    "film_hash",
    "film_names",
    "films",
    "grey_scale_density",
    "is_path",
    "load_film",
    "paper_hash",
    "paper_summaries",
    "papers",
    "toml_text",
]
