"""Both prompts of an attempt, run with a model on the scenario's cases: what was measured."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class TrialRun(models.Model):
    """One run of an attempt's prompt beside the one as found. The attempt's grade knows nothing of it."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")
        LIMITED = "limited", _("ended by a limit")
        LATE = "late", _("out of time")
        INTERRUPTED = "interrupted", _("interrupted")

    submission = models.ForeignKey(
        "exercises.Submission",
        verbose_name=_("submission"),
        on_delete=models.CASCADE,
        related_name="trial_runs",
    )
    # Made by the page, so that asking twice is one run.
    client_key = models.UUIDField(_("client key"), default=uuid4)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.RUNNING)
    # Whose limit ended it, where one did.
    scope = models.CharField(_("limit"), max_length=20, blank=True)
    owner = models.CharField(_("run by"), max_length=64, blank=True)
    total = models.PositiveSmallIntegerField(_("calls to make"), default=0)
    done = models.PositiveSmallIntegerField(_("calls made"), default=0)
    calls = models.JSONField(_("calls"), default=list)
    began_at = models.DateTimeField(_("began at"), db_default=Now())
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("run of both prompts")
        verbose_name_plural = _("runs of both prompts")
        ordering: ClassVar[list[str]] = ["-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["submission", "client_key"], name="trial_run_asked_once"),
        ]

    def __str__(self) -> str:
        return f"{self.submission_id} {self.state}"

    @property
    def is_running(self) -> bool:
        return self.state == self.State.RUNNING
