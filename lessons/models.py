"""People, courses and lessons, and how far each learner is."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        if not email:
            raise ValueError("An account needs an e-mail address; create_guest makes one without.")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def create_guest(self) -> User:
        user = self.model(email=None, is_guest=True)
        user.set_unusable_password()
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. A guest is one whose only key is the session cookie: no e-mail, no usable password."""

    email = models.EmailField(_("e-mail address"), unique=True, null=True, blank=True)
    is_guest = models.BooleanField(_("guest"), default=False, editable=False)
    is_staff = models.BooleanField(_("instructor"), default=False, help_text=_("May open the admin."))
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_guest=True, email__isnull=True)
                | models.Q(is_guest=False, email__isnull=False),
                name="user_guest_or_email",
            )
        ]

    def __str__(self) -> str:
        return self.email or str(_("Guest %(number)s") % {"number": self.pk})

    def clean(self) -> None:
        # Not the base class's: it would turn a guest's absent address into an empty, colliding one.
        if self.email:
            self.email = self.email.strip().lower()


class Course(models.Model):
    slug = models.SlugField(_("slug"), unique=True)
    title = models.CharField(_("title"), max_length=200)
    summary = models.TextField(_("summary"), blank=True, max_length=4000)
    outcomes = models.TextField(
        _("what you will be able to do"),
        blank=True,
        max_length=4000,
        help_text=_("One a line, for the home page."),
    )
    position = models.PositiveIntegerField(_("position"), default=0)
    loaded_digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = _("course")
        verbose_name_plural = _("courses")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.title


class Cohort(models.Model):
    """People who take a course together, from a day and an hour on."""

    title = models.CharField(_("title"), max_length=200)
    course = models.ForeignKey(Course, models.CASCADE, related_name="cohorts", verbose_name=_("course"))
    starts_at = models.DateTimeField(_("starts at"), default=timezone.now)
    ends_at = models.DateTimeField(
        _("ends at"), null=True, blank=True, help_text=_("Left empty, it has no end.")
    )
    learners = models.ManyToManyField(User, blank=True, related_name="cohorts", verbose_name=_("learners"))

    class Meta:
        verbose_name = _("cohort")
        verbose_name_plural = _("cohorts")
        ordering = ["-starts_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=models.F("starts_at")),
                name="cohort_ends_after_it_starts",
                violation_error_message=_("A cohort ends after it starts."),
            )
        ]

    def __str__(self) -> str:
        return self.title


class GlossaryTerm(models.Model):
    """A term of a course in one sentence, and the passage that explains it: the coach answers with both."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="glossary", verbose_name=_("course"))
    term = models.CharField(_("term"), max_length=100)
    definition = models.TextField(_("definition"), max_length=1000)
    passage = models.CharField(
        _("passage"),
        max_length=160,
        blank=True,
        help_text=_("The section that explains it: lesson-slug#anchor"),
    )
    loaded_digest = models.CharField(max_length=64, blank=True, editable=False)
    changed_at = models.DateTimeField(auto_now=True, editable=False)

    class Meta:
        verbose_name = _("glossary term")
        verbose_name_plural = _("glossary")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["course", "term"], name="glossary_term_once")]

    def __str__(self) -> str:
        return self.term


class AuthoredAnswer(models.Model):
    """A question learners ask, with the answer an author wrote to it: the coach says it and asks back."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="answers", verbose_name=_("course"))
    question = models.CharField(_("question"), max_length=200)
    also = models.TextField(
        _("also asked as"),
        blank=True,
        max_length=2000,
        help_text=_("Other ways of asking it, in learners’ words, one a line."),
    )
    answer = models.TextField(
        _("answer"), max_length=1000, help_text=_("Two to four sentences, in words of your own.")
    )
    passage = models.CharField(
        _("passage"), max_length=160, help_text=_("The section that explains it: lesson-slug#anchor")
    )
    then = models.CharField(
        _("question back"),
        max_length=400,
        help_text=_("What the coach asks next: it leads to an agent of the learner’s own."),
    )
    against = models.CharField(
        _("in conflict with"),
        max_length=160,
        blank=True,
        help_text=_(
            "A section that pulls the other way, offered when the talk stays here: lesson-slug#anchor"
        ),
    )
    loaded_digest = models.CharField(max_length=64, blank=True, editable=False)
    changed_at = models.DateTimeField(auto_now=True, editable=False)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["course", "question"], name="authored_answer_once")]

    def __str__(self) -> str:
        return self.question


class Lesson(models.Model):
    """A lesson as its author is writing it; learners see `published`, which never changes."""

    course = models.ForeignKey(Course, models.PROTECT, related_name="lessons", verbose_name=_("course"))
    slug = models.SlugField(_("slug"), unique=True)
    position = models.PositiveIntegerField(_("position"), default=0)
    title = models.CharField(_("title"), max_length=200)
    summary = models.TextField(_("summary"), blank=True, max_length=4000)
    minutes = models.PositiveSmallIntegerField(
        _("minutes"), default=15, validators=[MinValueValidator(1), MaxValueValidator(600)]
    )
    claims = models.JSONField(_("claims"), default=list, blank=True, editable=False)
    source = models.TextField(_("text"), blank=True, max_length=100_000)
    coach_opening = models.TextField(
        _("the coach's opening"),
        blank=True,
        max_length=1000,
        help_text=_("What the coach asks first in this lesson."),
    )
    coach_questions = models.TextField(
        _("suggested questions"),
        blank=True,
        max_length=4000,
        help_text=_("What a learner may want to ask, one a line, each ending with its section: {#anchor}"),
    )
    published = models.ForeignKey(
        "LessonRevision", models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    loaded_digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = _("lesson")
        verbose_name_plural = _("lessons")
        ordering = ["course__position", "position", "pk"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("lessons:lesson", args=[self.course.slug, self.slug])


class LessonRevision(models.Model):
    """A lesson as it was published. Progress, attempts and citations may point at it: it is never changed.

    `sections`: [{anchor, title, text, blocks: [{kind: "html", html} | {kind: "figure", name} |
    {kind: "question", id, prompt_html, several, choices: [{html, correct, because_html}]} |
    {kind: "exercise", slug}]}]; `text` is plain, for search. `coach_questions`: [{question, anchor}].
    """

    lesson = models.ForeignKey(
        Lesson, models.CASCADE, related_name="revisions", verbose_name=_("lesson"), editable=False
    )
    number = models.PositiveIntegerField(_("number"), editable=False)
    title = models.CharField(_("title"), max_length=200, editable=False)
    summary = models.TextField(_("summary"), blank=True, editable=False)
    minutes = models.PositiveSmallIntegerField(_("minutes"), editable=False)
    source = models.TextField(_("text"), editable=False)
    sections = models.JSONField(_("sections"), default=list, editable=False)
    coach_opening = models.TextField(_("the coach's opening"), blank=True, editable=False)
    coach_questions = models.JSONField(_("suggested questions"), default=list, editable=False)
    digest = models.CharField(_("digest"), max_length=64, editable=False)
    published_at = models.DateTimeField(_("published"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("lesson revision")
        verbose_name_plural = _("lesson revisions")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["lesson", "number"], name="lesson_revision_number_once")
        ]

    def __str__(self) -> str:
        return str(_("%(title)s, revision %(number)s") % {"title": self.title, "number": self.number})

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise ValidationError(_("A published revision does not change; publish the next one."))
        super().save(*args, **kwargs)


class LessonVisit(models.Model):
    """Where a learner was last in a lesson."""

    learner = models.ForeignKey(User, models.CASCADE, related_name="lesson_visits")
    lesson = models.ForeignKey(Lesson, models.CASCADE, related_name="visits")
    anchor = models.CharField(max_length=100)
    visited_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["learner", "lesson"], name="lesson_visit_once")]

    def __str__(self) -> str:
        return f"{self.lesson_id}#{self.anchor}"


class SectionProgress(models.Model):
    """What a learner has done in a section: done once its question is right or it is marked as read.

    A section has one question at most, so the last answer to it, the number of tries and how the first went
    stand here too.
    """

    learner = models.ForeignKey(User, models.CASCADE, related_name="section_progress")
    lesson = models.ForeignKey(Lesson, models.CASCADE, related_name="section_progress")
    anchor = models.CharField(max_length=100)
    done_at = models.DateTimeField(null=True, blank=True)
    question = models.CharField(max_length=100, blank=True)
    choices = models.JSONField(default=list)
    correct = models.BooleanField(default=False)
    first_correct = models.BooleanField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "lesson", "anchor"], name="section_progress_once")
        ]

    def __str__(self) -> str:
        return f"{self.lesson_id}#{self.anchor}"
