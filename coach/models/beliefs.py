"""How often a task that may be needed was: what the coach's guesses about its own tasks learn from."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class TaskOutcome(models.Model):
    """Of so many runs of a graph that came to decide it, in how many a task was needed."""

    context = models.CharField(_("graph and circumstances"), max_length=60)
    task = models.CharField(_("task"), max_length=60)
    needed = models.PositiveIntegerField(_("times needed"), default=0)
    seen = models.PositiveIntegerField(_("times decided"), default=0)

    class Meta:
        verbose_name = _("task outcome")
        verbose_name_plural = _("task outcomes")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["context", "task"], name="task_outcome_once"),
        ]

    def __str__(self) -> str:
        return f"{self.context}: {self.task}"
