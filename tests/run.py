"""Every test, on every database that is reachable: what `make test` runs.

SQLite always. PostgreSQL where `TEST_POSTGRES_URL`, or a server on the loopback, lets us in; the tests
that touch the database run there too. Where there is none, it says so.
"""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg

LOOPBACK = "postgresql://postgres@127.0.0.1:5432/postgres"
WITH_DATABASE = ["tests/lessons", "tests/exercises", "tests/coach", "tests/threats"]
WITHOUT = [f"--ignore=tests/coach/{room}" for room in ("engine", "providers", "rehearsal")]


def postgres_url() -> str | None:
    url = os.environ.get("TEST_POSTGRES_URL", LOOPBACK)
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return None
    return url


def run_pytest(*arguments: str, **environment: str) -> int:
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, env=os.environ | environment, check=False).returncode


def main(arguments: list[str]) -> int:
    url = postgres_url()
    status = 0
    if url is None:
        print(
            "PostgreSQL: not reachable, so its runs are left out (TEST_POSTGRES_URL names one).", flush=True
        )
    else:
        print("PostgreSQL:", flush=True)
        status = run_pytest("-q", *WITH_DATABASE, *WITHOUT, DATABASE_URL=url)
    print("SQLite:", flush=True)
    return run_pytest(*arguments) or status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
