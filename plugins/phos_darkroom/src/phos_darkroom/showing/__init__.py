"""Pictures shown small, side by side or on a sheet, and colours as a lookup table."""
