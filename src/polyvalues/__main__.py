"""`python -m polyvalues`: the command line, for launchers that start modules (torchrun)."""

from polyvalues.cli.main import main

if __name__ == "__main__":
    main()
