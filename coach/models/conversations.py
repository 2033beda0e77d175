"""A conversation is rows: its turns, and the numbered events of each turn."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from coach.ladder import Rung, Step


class Conversation(models.Model):
    """What one learner and the coach say about one lesson or one exercise."""

    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("learner"),
        on_delete=models.CASCADE,
        related_name="conversations",
    )
    lesson = models.ForeignKey(
        "lessons.Lesson",
        verbose_name=_("lesson"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="conversations",
    )
    exercise = models.ForeignKey(
        "exercises.Exercise",
        verbose_name=_("exercise"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="conversations",
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(lesson__isnull=False, exercise__isnull=True)
                | Q(lesson__isnull=True, exercise__isnull=False),
                name="conversation_has_one_subject",
            ),
            models.UniqueConstraint(fields=["learner", "lesson"], name="conversation_per_lesson"),
            models.UniqueConstraint(fields=["learner", "exercise"], name="conversation_per_exercise"),
        ]

    def __str__(self) -> str:
        return f"{self.learner_id}: {self.exercise or self.lesson}"


class Turn(models.Model):
    """One question or submission, and the reply to it. The reply's text is its events."""

    class Kind(models.TextChoices):
        CRITIQUE = "critique", _("critique of a submission")
        ANSWER = "answer", _("answer to a question")

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting to start")
        RUNNING = "running", _("being answered")
        DONE = "done", _("finished")
        TRUNCATED = "truncated", _("cut at its longest")
        REFUSED = "refused", _("refused")
        STOPPED = "stopped", _("stopped by the learner")
        FAILED = "failed", _("failed")
        INTERRUPTED = "interrupted", _("interrupted")

    OPEN: ClassVar[tuple[str, ...]] = (State.QUEUED, State.RUNNING)

    uuid = models.UUIDField(_("public id"), default=uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(
        Conversation, verbose_name=_("conversation"), on_delete=models.CASCADE, related_name="turns"
    )
    number = models.PositiveIntegerField(_("number in the conversation"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.QUEUED)
    # The process that runs it, until when if it does not renew its word, and which claim this is: each one
    # raises the epoch, and who writes with an older one is refused.
    owner = models.CharField(_("owner"), max_length=64, blank=True)
    lease_until_at = models.DateTimeField(_("lease runs until"), null=True, blank=True)
    epoch = models.PositiveIntegerField(_("epoch"), default=0, db_default=0)
    runs = models.PositiveSmallIntegerField(_("times begun"), default=0, db_default=0)
    stop_asked = models.BooleanField(_("asked to stop"), default=False, db_default=False)
    # Made by the asker, so that asking twice is one turn.
    client_key = models.UUIDField(_("client key"), default=uuid4)
    question = models.TextField(_("question"), blank=True)
    intent = models.CharField(_("intent"), max_length=20, blank=True)
    section = models.CharField(_("open section"), max_length=100, blank=True)
    submission = models.ForeignKey(
        "exercises.Submission",
        verbose_name=_("submission"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="coach_turns",
    )
    text = models.TextField(_("text of the reply"), blank=True)
    citations = models.JSONField(_("citations"), default=list, blank=True)
    trace = models.JSONField(_("trace"), default=dict, blank=True)
    # What later turns need to know of this one: its topic, the finding it spoke about.
    memory = models.JSONField(_("memory"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("turn")
        verbose_name_plural = _("turns")
        ordering: ClassVar[list[str]] = ["conversation", "number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["conversation", "client_key"], name="turn_asked_once"),
            models.UniqueConstraint(fields=["conversation", "number"], name="turn_numbered_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state"], name="turn_open", condition=Q(state__in=["queued", "running"])),
            models.Index(fields=["finished_at"], name="turn_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class TurnEvent(models.Model):
    """One thing that was shown, in order. The table is the truth; sockets only hear of it sooner."""

    class Kind(models.TextChoices):
        BEGUN = "begun", _("begun")
        STATUS = "status", _("status line")
        SENTENCE = "sentence", _("sentence")
        # What was said so far is void: another process begins the reply again.
        RESTART = "restart", _("begun again")
        END = "end", _("end")

    turn = models.ForeignKey(Turn, verbose_name=_("turn"), on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField(_("number in the turn"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    payload = models.JSONField(_("payload"), default=dict)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("turn event")
        verbose_name_plural = _("turn events")
        ordering: ClassVar[list[str]] = ["turn", "seq"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["turn", "seq"], name="turn_event_numbered_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.seq}"


class LadderStep(models.Model):
    """How far up the hint ladder a learner is with one finding of one exercise."""

    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("learner"),
        on_delete=models.CASCADE,
        related_name="ladder_steps",
    )
    exercise = models.ForeignKey(
        "exercises.Exercise",
        verbose_name=_("exercise"),
        on_delete=models.CASCADE,
        related_name="ladder_steps",
    )
    finding_key = models.CharField(_("finding"), max_length=200)
    rung = models.PositiveSmallIntegerField(_("rung"), default=1)
    # Once the answer was shown on request, the item no longer counts as mastered.
    shown_answer = models.BooleanField(_("answer was shown"), default=False)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)

    class Meta:
        verbose_name = _("ladder step")
        verbose_name_plural = _("ladder steps")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["learner", "exercise", "finding_key"], name="ladder_step_per_finding"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.finding_key}: {self.rung}"

    def as_step(self) -> Step:
        return Step(finding_key=self.finding_key, rung=Rung(self.rung), shown_answer=self.shown_answer)
