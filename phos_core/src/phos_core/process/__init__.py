"""The photographic process, from a picture to its positive: start with `pipeline`."""
