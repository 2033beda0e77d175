"""Where instructors author: courses and lessons; revisions and people to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from lessons.actions import lesson_digest, publish_lesson
from lessons.forms import AuthoredAnswerForm, CourseForm, GlossaryTermForm, LessonForm
from lessons.models import AuthoredAnswer, Cohort, Course, GlossaryTerm, Lesson, LessonRevision, User


class GlossaryInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    model = GlossaryTerm
    form = GlossaryTermForm
    extra = 0


@admin.register(AuthoredAnswer)
class AuthoredAnswerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """What the coach says to questions that learners ask."""

    form = AuthoredAnswerForm
    list_display = ("question", "passage", "course")
    list_filter = ("course",)
    list_select_related = ("course",)
    search_fields = ("question", "also", "answer", "passage")


@admin.register(Course)
class CourseAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    form = CourseForm
    list_display = ("title", "slug", "position")
    prepopulated_fields = {"slug": ["title"]}
    inlines = (GlossaryInline,)


@admin.register(Cohort)
class CohortAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Who takes a course together; their shared budget for model answers goes by it."""

    list_display = ("title", "course", "starts_at", "ends_at", "learner_count")
    list_filter = ("course",)
    list_select_related = ("course",)
    search_fields = ("title", "learners__email")
    autocomplete_fields = ("learners",)
    date_hierarchy = "starts_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cohort]:
        cohorts: QuerySet[Cohort] = super().get_queryset(request)
        return cohorts.annotate(learner_total=Count("learners", distinct=True))

    @admin.display(description=_("learners"), ordering="learner_total")
    def learner_count(self, cohort: Cohort) -> int:
        total: int = cohort.learner_total  # type: ignore[attr-defined]  # annotated above
        return total


@admin.register(Lesson)
class LessonAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    form = LessonForm
    list_display = ("title", "course", "position", "minutes", "state")
    list_filter = ("course",)
    list_select_related = ("course", "published")
    search_fields = ("title", "source")
    prepopulated_fields = {"slug": ["title"]}
    actions = ("publish",)
    change_form_template = "admin/lessons/lesson/change_form.html"

    @admin.display(description=_("state"))
    def state(self, lesson: Lesson) -> str:
        if lesson.published is None:
            return str(_("not published"))
        values = {"number": lesson.published.number}
        if lesson.published.digest == lesson_digest(lesson):
            return str(_("revision %(number)s") % values)
        return str(_("revision %(number)s, changed since") % values)

    @admin.action(description=_("Publish selected lessons"), permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Lesson]) -> None:
        for lesson in queryset:
            self._publish(request, lesson)

    def response_add(
        self, request: HttpRequest, obj: Lesson, post_url_continue: str | None = None
    ) -> HttpResponse:
        self._publish_if_asked(request, obj)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Lesson) -> HttpResponse:
        self._publish_if_asked(request, obj)
        return super().response_change(request, obj)

    def _publish_if_asked(self, request: HttpRequest, lesson: Lesson) -> None:
        if "_publish" in request.POST and self.has_change_permission(request, lesson):
            self._publish(request, lesson)

    def _publish(self, request: HttpRequest, lesson: Lesson) -> None:
        try:
            revision = publish_lesson(lesson=lesson)
        except ValidationError as error:
            self.message_user(request, f"{lesson}: {'; '.join(error.messages)}", messages.ERROR)
        else:
            self.message_user(
                request, _("%(revision)s is published.") % {"revision": revision}, messages.SUCCESS
            )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        lesson = context.get("original")
        context["may_publish"] = self.has_change_permission(request, lesson)
        if lesson is not None:
            context["preview_url"] = reverse("lessons:preview", args=[lesson.course.slug, lesson.slug])
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(LessonRevision)
class LessonRevisionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """What was published, when. Nobody changes it here or anywhere."""

    list_display = ("lesson", "number", "title", "published_at")
    list_filter = ("lesson",)
    list_select_related = ("lesson",)
    fields = ("lesson", "number", "title", "summary", "minutes", "published_at", "source_as_text")
    readonly_fields = fields

    @admin.display(description=_("text"))
    def source_as_text(self, revision: LessonRevision) -> str:
        return format_html("<pre>{}</pre>", revision.source)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: LessonRevision | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: LessonRevision | None = None) -> bool:
        return False


class PersonForm(UserChangeForm):  # type: ignore[type-arg]  # generic in the stubs only
    class Meta:
        model = User
        fields = ("email", "is_active", "is_staff", "is_superuser", "groups", "user_permissions")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "email" in self.fields:
            self.fields["email"].required = True


class NewPersonForm(AdminUserCreationForm):  # type: ignore[type-arg]  # generic in the stubs only
    class Meta:
        model = User
        fields = ("email",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True


@admin.register(User)
class UserAdmin(StockUserAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    form = PersonForm
    add_form = NewPersonForm
    ordering = ("-date_joined",)
    list_display = ("__str__", "is_guest", "is_staff", "is_active", "date_joined")
    list_filter = ("is_guest", "is_staff", "is_active")
    search_fields = ("email",)
    fieldsets = (
        (None, {"fields": ("email", "password", "is_guest", "date_joined")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    readonly_fields = ("is_guest", "date_joined")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A guest gets an address by signing up, not here."""
        guest = isinstance(obj, User) and obj.is_guest
        return (*self.readonly_fields, "email") if guest else tuple(self.readonly_fields)
