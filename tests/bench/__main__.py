"""`python -m tests.bench`."""

from tests.bench.ratios import main

if __name__ == "__main__":
    main()
