"""The same background work on Celery's workers and beat: `celery --app coach.celery worker --beat`.

Imported by Celery only, where `BROKER_URL` names a broker; the web processes then leave the work alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coach.settings")

import django

django.setup()

from asgiref.sync import async_to_sync, sync_to_async  # noqa: E402 - needs the apps that were just set up
from celery import Celery  # noqa: E402
from django.conf import settings  # noqa: E402

from coach.providers import choosing  # noqa: E402
from coach.tasks import PERIODIC, Periodic, run_periodic  # noqa: E402

QUEUE = "coach"

app = Celery("coach", broker=settings.BROKER_URL)
app.conf.update(
    task_default_queue=QUEUE,
    task_ignore_result=True,
    # A worker that dies gives its task back; doing it twice does no harm.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    # What nobody could do in time is not done late: the next round is on its way.
    task_time_limit=600,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 900} if settings.BROKER_URL.startswith("redis") else {},
    worker_hijack_root_logger=False,
    beat_schedule_filename=str(settings.VAR_DIR / "beat-schedule"),
)


async def run(ask: Callable[[], Any]) -> Any:
    """Ask the database from the worker's own thread."""
    return await sync_to_async(ask)()


async def _do(task: Periodic) -> bool:
    try:
        return await run_periodic(task, run)
    finally:
        # The loop ends with the task, and connections belong to their loop.
        await choosing.close()


def _register(task: Periodic) -> None:
    @app.task(name=f"coach.{task.name}", expires=task.every_seconds)  # type: ignore[untyped-decorator]
    def work() -> bool:
        return async_to_sync(_do)(task)


for each in PERIODIC:
    _register(each)

app.conf.beat_schedule = {
    each.name: {
        "task": f"coach.{each.name}",
        "schedule": each.every_seconds,
        "options": {"expires": each.every_seconds},
    }
    for each in PERIODIC
}
