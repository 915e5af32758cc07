"""The physical steps of the process: one a file, pure functions on arrays of any library."""
