"""Colour profiles: read, applied, and made."""
