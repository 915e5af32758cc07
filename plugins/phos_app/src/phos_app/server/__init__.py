"""The server's routes, a module a subject; `serving` puts them together."""
