"""Settings as text: of a picture, under a name, or beside a positive."""
