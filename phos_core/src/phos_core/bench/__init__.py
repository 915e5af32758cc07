"""Time, error and memory of phos's backends on this machine, beside other libraries."""
