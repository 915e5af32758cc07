"""Films and papers: their data sheets, and how these become closed forms."""
