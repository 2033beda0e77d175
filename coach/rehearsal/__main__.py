"""`python -m coach.rehearsal`: the server without Django. Its address is the first line."""

from __future__ import annotations

import argparse
import sys

from coach.rehearsal.program import HELP, add_options, run


def main() -> None:
    """Prints the address, then serves."""
    parser = argparse.ArgumentParser(prog="python -m coach.rehearsal", description=HELP)
    add_options(parser)
    try:
        run(vars(parser.parse_args()), lambda url: print(url, flush=True))  # noqa: T201
    except (ValueError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
