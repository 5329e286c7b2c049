"""`python -m comus_core` is `comus`."""

from comus_core.cli import main

if __name__ == "__main__":
    main()
