"""The project's Celery with a queue of a test's own, which goes away by itself: for `celery --app`."""

from __future__ import annotations

import os

from kombu.entity import Queue

from coach.celery import app

app.conf.task_default_queue = os.environ["TEST_QUEUE"]
app.conf.task_queues = [Queue(os.environ["TEST_QUEUE"], expires=300.0)]
