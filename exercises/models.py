"""Exercises as authored and as published, and what learners hand in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from exercises.kinds.base import Grade
from lessons.models import Lesson

finding_code_validator = RegexValidator(
    r"^[a-z0-9]+(-[a-z0-9]+)*$", _("A finding's code is lower-case words joined by hyphens.")
)


class Rung(models.IntegerChoices):
    """The steps of the hint ladder, each telling more than the one before."""

    POINT = 1, _("point at the place")
    ASK = 2, _("ask")
    CONCEPT = 3, _("name the concept")
    EXAMPLE = 4, _("a worked example like it")
    ANSWER = 5, _("the answer")


class Exercise(models.Model):
    """An exercise as its author is working on it; learners see `published`, which never changes."""

    lesson = models.ForeignKey(Lesson, models.PROTECT, related_name="exercises", verbose_name=_("lesson"))
    slug = models.SlugField(_("slug"), unique=True)
    kind = models.CharField(_("kind"), max_length=50)
    position = models.PositiveIntegerField(_("position"), default=0)
    title = models.CharField(_("title"), max_length=200)
    summary = models.TextField(_("summary"), blank=True, max_length=1000)
    brief = models.TextField(_("brief"), max_length=50_000, help_text=_("Markdown."))
    spec = models.JSONField(_("specification"), default=dict, editable=False)
    wrong_answers = models.JSONField(
        _("wrong answers"), default=list, editable=False, help_text=_("Tried before publishing.")
    )
    published = models.ForeignKey(
        "ExerciseRevision", models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    loaded_digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = _("exercise")
        verbose_name_plural = _("exercises")
        ordering = ["lesson__position", "position", "pk"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("exercises:exercise", args=[self.slug])


class ExerciseRevision(models.Model):
    """An exercise as it was published. Attempts point at it: it is never changed."""

    exercise = models.ForeignKey(
        Exercise, models.CASCADE, related_name="revisions", verbose_name=_("exercise"), editable=False
    )
    number = models.PositiveIntegerField(_("number"), editable=False)
    title = models.CharField(_("title"), max_length=200, editable=False)
    summary = models.TextField(_("summary"), blank=True, editable=False)
    brief = models.TextField(_("brief"), editable=False)
    brief_html = models.TextField(_("brief, rendered"), editable=False)
    spec = models.JSONField(_("specification"), editable=False)
    digest = models.CharField(_("digest"), max_length=64, editable=False)
    published_at = models.DateTimeField(_("published"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("exercise revision")
        verbose_name_plural = _("exercise revisions")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["exercise", "number"], name="exercise_revision_number_once")
        ]

    def __str__(self) -> str:
        return str(_("%(title)s, revision %(number)s") % {"title": self.title, "number": self.number})

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise ValidationError(_("A published revision does not change; publish the next one."))
        super().save(*args, **kwargs)


class Misconception(models.Model):
    """What a learner probably believes when a finding turns up, and why it is not so."""

    exercise = models.ForeignKey(Exercise, models.CASCADE, related_name="misconceptions")
    finding_code = models.CharField(_("finding"), max_length=60, validators=[finding_code_validator])
    statement = models.TextField(_("what is believed"), max_length=2000)
    explanation = models.TextField(_("why it is not so"), max_length=4000)
    passage = models.CharField(
        _("passage"),
        max_length=160,
        blank=True,
        help_text=_("The lesson passage that explains it: lesson-slug#anchor."),
        validators=[RegexValidator(r"^[-\w]+#[-\w]+$", _("A passage reads lesson-slug#anchor."))],
    )

    class Meta:
        verbose_name = _("misconception")
        verbose_name_plural = _("misconceptions")
        ordering = ["finding_code", "pk"]

    def __str__(self) -> str:
        return self.statement[:80]


class Hint(models.Model):
    """What may be said about a finding on one rung of the ladder."""

    exercise = models.ForeignKey(Exercise, models.CASCADE, related_name="hints")
    finding_code = models.CharField(_("finding"), max_length=60, validators=[finding_code_validator])
    rung = models.PositiveSmallIntegerField(_("rung"), choices=Rung.choices)
    text = models.TextField(_("text"), max_length=4000)

    class Meta:
        verbose_name = _("hint")
        verbose_name_plural = _("hints")
        ordering = ["finding_code", "rung"]
        constraints = [
            models.UniqueConstraint(fields=["exercise", "finding_code", "rung"], name="hint_rung_once")
        ]

    def __str__(self) -> str:
        return f"{self.finding_code} {self.rung}"


class Draft(models.Model):
    """The workbench as the learner left it: the form as typed, valid or not."""

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="drafts")
    exercise = models.ForeignKey(Exercise, models.CASCADE, related_name="drafts")
    revision = models.ForeignKey(ExerciseRevision, models.CASCADE, related_name="+")
    form = models.JSONField(default=dict)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        constraints = [models.UniqueConstraint(fields=["learner", "exercise"], name="draft_once")]

    def __str__(self) -> str:
        return f"{self.exercise_id} {self.learner_id}"


class Submission(models.Model):
    """An answer that was handed in, and its grade once there is one. The answer never changes."""

    class State(models.TextChoices):
        UNGRADED = "ungraded", _("not yet graded")
        GRADED = "graded", _("graded")

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="submissions")
    exercise = models.ForeignKey(Exercise, models.PROTECT, related_name="submissions")
    revision = models.ForeignKey(ExerciseRevision, models.PROTECT, related_name="submissions")
    number = models.PositiveIntegerField(_("attempt"))
    answer = models.JSONField(_("answer"))
    prediction = models.JSONField(_("prediction"), default=dict)
    client_key = models.UUIDField(editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.UNGRADED)
    seed = models.PositiveIntegerField(default=0)
    grader_version = models.CharField(_("grader's version"), max_length=40, blank=True)
    score = models.FloatField(_("score"), null=True, blank=True)
    passed = models.BooleanField(_("passed"), default=False)
    findings = models.JSONField(_("findings"), default=list)
    measures = models.JSONField(_("measures"), default=list)
    result = models.JSONField(_("rest of the grade"), default=dict)
    created_at = models.DateTimeField(_("handed in"), default=timezone.now)
    graded_at = models.DateTimeField(_("graded"), null=True, blank=True)

    class Meta:
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["learner", "exercise", "number"], name="submission_number_once"),
            models.UniqueConstraint(fields=["learner", "exercise", "client_key"], name="submission_key_once"),
        ]
        indexes = [models.Index(fields=["state"], name="submission_state")]

    def __str__(self) -> str:
        return str(_("Attempt %(number)s") % {"number": self.number})

    def get_absolute_url(self) -> str:
        return reverse("exercises:attempt", args=[self.exercise.slug, self.number])

    @property
    def is_graded(self) -> bool:
        return self.state == self.State.GRADED

    @property
    def grade(self) -> Grade | None:
        """The stored grade; None until there is one."""
        if not self.is_graded or self.score is None:
            return None
        return Grade.from_dict(
            {
                "score": self.score,
                "passed": self.passed,
                "findings": self.findings,
                "measures": self.measures,
                "grader_version": self.grader_version,
                "prediction": self.result.get("prediction"),
            }
        )
