"""Picture files: reading and writing them, with all that they say of themselves."""
