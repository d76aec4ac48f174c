"""`python -m oomsel`."""

from oomsel.cli import main

if __name__ == "__main__":
    main()
