"""Prove an installed backend: ``python -m phos_core.conformance NAME``.

A backend that cannot run is an error, not a skipped test.
"""
