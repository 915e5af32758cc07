"""Prove an installed backend.

``pytest --phos-backend=NAME --pyargs phos_core.testing.conformance`` does so, and
``python -m phos_core.testing.conformance NAME`` is the same in fewer words. A backend that cannot
run is an error, not a skipped test, and so is a run that tried nothing.
"""
