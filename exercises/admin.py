"""Where instructors author exercises, publish them, and look at what was handed in."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import models
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from exercises.actions import grade_submission, publish_exercise
from exercises.authoring import ExerciseForm, draft_spec, preview_page
from exercises.kinds import kind_named
from exercises.models import Exercise, ExerciseRevision, Hint, Misconception, Submission
from exercises.publishing import NotPublishable, content_digest, trials_of


class MisconceptionInline(admin.StackedInline):  # type: ignore[type-arg]  # generic in the stubs only
    model = Misconception
    extra = 0


class NamedFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # generic in the stubs only
    """Rows of a table: its headings name the fields for eyes only, so that each field says its name too."""

    def add_fields(self, form: ModelForm, index: int | None) -> None:  # type: ignore[type-arg]  # as above
        super().add_fields(form, index)
        number = "" if index is None else f" {index + 1}"
        for field in form.fields.values():
            if field.label and not field.widget.is_hidden:
                field.widget.attrs["aria-label"] = f"{field.label}{number}"


class HintInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    model = Hint
    extra = 0
    formset = NamedFormSet
    formfield_overrides = {models.TextField: {"widget": AdminTextareaWidget(attrs={"rows": 3})}}


@admin.register(Exercise)
class ExerciseAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    form = ExerciseForm
    inlines = (MisconceptionInline, HintInline)
    list_display = ("title", "lesson", "kind_label", "state")
    list_filter = ("lesson",)
    list_select_related = ("lesson", "published")
    search_fields = ("title", "slug")
    prepopulated_fields = {"slug": ["title"]}
    change_form_template = "admin/exercises/exercise/change_form.html"

    @admin.display(description=_("kind"))
    def kind_label(self, exercise: Exercise) -> str:
        return str(kind_named(exercise.kind).label)

    @admin.display(description=_("state"))
    def state(self, exercise: Exercise) -> str:
        if exercise.published is None:
            return str(_("not published"))
        values = {"number": exercise.published.number}
        if exercise.published.digest == content_digest(exercise):
            return str(_("revision %(number)s") % values)
        return str(_("revision %(number)s, changed since") % values)

    def get_readonly_fields(self, request: HttpRequest, obj: Exercise | None = None) -> tuple[str, ...]:
        return ("kind_label",) if obj else ()

    def get_fields(self, request: HttpRequest, obj: Exercise | None = None) -> Any:
        kind = "kind_label" if obj else "kind"
        return ["lesson", kind, "title", "slug", "position", "summary", "brief"]

    def get_inlines(self, request: HttpRequest, obj: Exercise | None) -> Any:
        return self.inlines if obj else ()

    def get_urls(self) -> list[URLPattern]:
        preview = path(
            "<int:pk>/preview/", self.admin_site.admin_view(self.preview), name="exercises_exercise_preview"
        )
        return [preview, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        exercise = context.get("original")
        if exercise is not None:
            may_change = self.has_change_permission(request, exercise)
            context["may_publish"] = may_change
            context["parts"] = getattr(context["adminform"].form, "parts", []) if may_change else []
            context["trials"] = trials_of(exercise) if request.method == "GET" and exercise.spec else []
            context["preview_url"] = reverse("admin:exercises_exercise_preview", args=[exercise.pk])
        return super().render_change_form(request, context, *args, **kwargs)

    def response_add(
        self, request: HttpRequest, obj: Exercise, post_url_continue: str | None = None
    ) -> HttpResponse:
        """On to the kind's own forms, which begin where the kind is known."""
        return HttpResponseRedirect(reverse("admin:exercises_exercise_change", args=[obj.pk]))

    def response_change(self, request: HttpRequest, obj: Exercise) -> HttpResponse:
        if "_publish" not in request.POST:
            return super().response_change(request, obj)
        self._publish(request, obj)
        return HttpResponseRedirect(request.path)

    def _publish(self, request: HttpRequest, exercise: Exercise) -> None:
        try:
            revision = publish_exercise(exercise=exercise)
        except NotPublishable as error:
            self.message_user(request, _("Saved, but not published."), messages.WARNING)
            for message in error.messages:
                self.message_user(request, message, messages.ERROR)
        else:
            said = _("Saved. Learners see %(revision)s.") % {"revision": revision}
            self.message_user(request, said, messages.SUCCESS)

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The draft as a learner would see it; answers are tried and not stored."""
        exercise = self.get_object(request, str(pk))
        if exercise is None or not self.has_view_permission(request, exercise):
            raise Http404
        if draft_spec(kind_named(exercise.kind), exercise) is None:
            self.message_user(request, _("Fill in the specification first."), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:exercises_exercise_change", args=[pk]))
        page = preview_page(exercise, request.POST if request.method == "POST" else None)
        return render(request, "exercises/exercise.html", page)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """To look at; nobody changes it here or anywhere."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ExerciseRevision)
class ExerciseRevisionAdmin(ReadOnlyAdmin):
    list_display = ("exercise", "number", "title", "published_at")
    list_filter = ("exercise",)
    list_select_related = ("exercise",)
    fields = ("exercise", "number", "title", "summary", "published_at", "brief_as_text", "spec_as_text")
    readonly_fields = fields

    @admin.display(description=_("brief"))
    def brief_as_text(self, revision: ExerciseRevision) -> str:
        return format_html("<pre>{}</pre>", revision.brief)

    @admin.display(description=_("specification"))
    def spec_as_text(self, revision: ExerciseRevision) -> str:
        return _as_text(revision.spec)


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyAdmin):
    list_display = ("exercise", "learner", "number", "state", "score", "passed", "created_at")
    list_filter = ("exercise", "state", "passed")
    list_select_related = ("exercise", "learner")
    search_fields = ("learner__email",)
    actions = ("grade_again",)
    fields = (
        *("exercise", "revision", "learner", "number", "state", "score", "passed", "grader_version"),
        *("created_at", "graded_at", "answer_as_text", "prediction_as_text", "findings_as_text"),
    )
    readonly_fields = fields

    @admin.display(description=_("answer"))
    def answer_as_text(self, submission: Submission) -> str:
        return _as_text(submission.answer)

    @admin.display(description=_("prediction"))
    def prediction_as_text(self, submission: Submission) -> str:
        return _as_text(submission.prediction)

    @admin.display(description=_("findings"))
    def findings_as_text(self, submission: Submission) -> str:
        found = [f"{finding['number']}. {finding['message']}" for finding in submission.findings]
        return format_html("<pre>{}</pre>", "\n".join(found) or "–")

    def has_grade_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("exercises.change_submission")

    @admin.action(description=_("Grade again what is not yet graded"), permissions=["grade"])
    def grade_again(self, request: HttpRequest, queryset: QuerySet[Submission]) -> None:
        waiting = queryset.filter(state=Submission.State.UNGRADED).select_related("revision", "exercise")
        outcomes = [grade_submission(submission=submission).is_graded for submission in waiting]
        counts = {"graded": outcomes.count(True), "left": outcomes.count(False)}
        self.message_user(request, _("%(graded)s graded, %(left)s still waiting.") % counts)


def _as_text(value: Any) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
