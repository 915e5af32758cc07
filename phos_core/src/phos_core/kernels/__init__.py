"""Pointwise steps: traced into chains that a backend compiles, or run in strips over the cores."""
