"""Which server processes use this database: each says so when it comes, now and then, and when it goes."""

from __future__ import annotations

import os
import socket
import time
import uuid
from functools import lru_cache

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from coach.dbclock import lease_end
from coach.models import Process, Turn

LEASE_SECONDS = 60.0
BEAT_SECONDS = 15.0
_LOOK_AGAIN_SECONDS = 1.0


class NotAlone(Exception):  # noqa: N818 - said of the database, not of a fault
    """Another process serves from this database, and nothing connects the two."""

    def __init__(self, other: Process) -> None:
        super().__init__(
            f"Another server ({other}) uses this database. Stop it first; or set REDIS_URL, so that "
            "several can tell each other of new events."
        )


@lru_cache(maxsize=1)
def this_process() -> str:
    """What turns and the table of processes call this one."""
    return uuid.uuid4().hex


def _host() -> str:
    return socket.gethostname()[:255]


def enter(owner: str) -> None:
    """Say that this process is here, and let the turns of dead ones be taken up at once."""
    fields = {"host": _host(), "pid": os.getpid(), "lease_until_at": lease_end(LEASE_SECONDS)}
    Process.objects.update_or_create(owner=owner, defaults=fields)
    _bury_dead(owner)


def leave(owner: str) -> None:
    Process.objects.filter(owner=owner).delete()


def _bury_dead(owner: str) -> None:
    dead = [process.owner for process in _others(owner) if not _lives(process)]
    dead += Process.objects.filter(lease_until_at__lt=Now()).values_list("owner", flat=True)
    if dead:
        Turn.objects.filter(owner__in=dead, state=Turn.State.RUNNING).update(lease_until_at=None)
        Process.objects.filter(owner__in=dead).delete()


def _others(owner: str) -> QuerySet[Process]:
    return Process.objects.exclude(owner=owner).filter(lease_until_at__gte=Now())


def _lives(process: Process) -> bool:
    """False only when this is certain: the process was on this host, and is not any more."""
    if process.host != _host() or os.name != "posix":
        return True
    if process.pid == os.getpid():
        return False
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def enter_alone(owner: str) -> None:
    """As `enter`, for a process that nothing connects to others. Raises NotAlone while one of them lives.

    One on another host that died without a word is waited for until its lease runs out.
    """
    enter(owner)
    if settings.REDIS_URL:
        return
    seen: dict[str, object] = {}
    while (other := _others(owner).first()) is not None:
        lease = seen.setdefault(other.owner, other.lease_until_at)
        if other.host == _host() or lease != other.lease_until_at:
            leave(owner)
            raise NotAlone(other)
        time.sleep(_LOOK_AGAIN_SECONDS)
