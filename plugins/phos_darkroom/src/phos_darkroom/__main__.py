"""``python -m phos_darkroom`` is the command ``phos``."""

from phos_shell import main

if __name__ == "__main__":
    main()
