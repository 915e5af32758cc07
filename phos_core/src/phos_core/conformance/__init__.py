"""Prove an installed backend: ``pytest --phos-backend=NAME --pyargs phos_core.conformance``.

``python -m phos_core.conformance NAME`` is the same in fewer words. A backend that cannot run is
an error, not a skipped test, and so is a run that tried nothing.
"""
