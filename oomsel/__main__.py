"""Where `oomsel` and `python -m oomsel` begin."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """The command line; Ctrl-C is quiet from here on, also while the rest is imported."""
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a background job ignores it
    if is_default:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from oomsel.cli import main as run

    if is_default:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
