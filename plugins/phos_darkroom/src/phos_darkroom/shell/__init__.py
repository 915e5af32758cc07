"""The command `phos`: a module a command."""
