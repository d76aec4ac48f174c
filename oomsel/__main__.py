"""The console script, and `python -m oomsel`: Ctrl-C ends it without a word from the first import on."""

import os
import sys

try:  # the module signal imports enum first, while Ctrl-C still prints a traceback
    import _signal as signal  # type: ignore[import-not-found]
except ImportError:
    import signal


def _interrupt(*_: object) -> None:
    """End at once.  An exception might come where a library swallows it, or prints it and goes on."""
    remove_temporaries = getattr(sys.modules.get("oomsel.files"), "remove_temporaries", None)
    if remove_temporaries is not None:
        remove_temporaries()
    os._exit(130)


def main() -> None:
    """Run the command line."""
    from oomsel.cli import main as run
    from oomsel.cli.streams import open_closed_streams

    open_closed_streams()
    run()


if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a background job ignores it
    signal.signal(signal.SIGINT, _interrupt)

if __name__ == "__main__":
    main()
