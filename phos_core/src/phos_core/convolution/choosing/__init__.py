"""Which backends there are, which of them can run here, and which one is taken."""
