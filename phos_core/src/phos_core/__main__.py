"""``python -m phos_core`` is the command line."""

from phos_shell import main

if __name__ == "__main__":
    main()
