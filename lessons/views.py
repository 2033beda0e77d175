"""The lessons' pages. GET never writes; every POST works with htmx and as a plain form."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth import logout as sign_out
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from lessons import access, actions, queries
from lessons.accounts import log_in
from lessons.figures import FIGURES
from lessons.forms import AnswerForm, DeleteAccountForm
from lessons.models import User
from lessons.pages import QuestionView, question_view, sections_as_read, sections_of_page
from lessons.queries import LessonPage
from lessons.sections import read_lesson
from lessons.signals import export_requested

FIRST_FIGURE = "parallel"


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    courses = queries.course_cards_for(access.learner_of(request))
    return render(request, "lessons/home.html", {"courses": courses, "first_figure": FIRST_FIGURE})


@require_safe
def lesson(request: HttpRequest, course: str, lesson: str) -> HttpResponse:
    learner = access.learner_of(request)
    page = access.lesson_page_for(learner, course=course, lesson=lesson)
    return render(request, "lessons/lesson.html", _lesson_context(page, learner))


@require_POST
def answer(request: HttpRequest, course: str, lesson: str) -> HttpResponse:
    learner = access.learner_of(request)
    page = access.lesson_page_for(learner, course=course, lesson=lesson)
    section, question = _asked(page, request.POST.get("anchor", ""))
    form = AnswerForm(request.POST, question=question)
    if not form.is_valid():
        refused = question_view(
            section, page.progress.get(section["anchor"]), chosen=(), error=_first_error(form)
        )
        return _question_refused(request, page, refused, learner)
    row = actions.answer_question(
        learner=access.learner_for_writing(request),
        lesson=page.lesson,
        anchor=section["anchor"],
        question=question,
        choices=form.cleaned_data["choice"],
    )
    return _question_answered(request, page, section, {**page.progress, section["anchor"]: row})


@require_POST
def section_done(request: HttpRequest, course: str, lesson: str) -> HttpResponse:
    page = access.lesson_page_for(access.learner_of(request), course=course, lesson=lesson)
    section = _section_or_404(page, request.POST.get("anchor", ""))
    actions.finish_section(
        learner=access.learner_for_writing(request), lesson=page.lesson, anchor=section["anchor"]
    )
    return redirect(f"{page.lesson.get_absolute_url()}#{section['anchor']}")


@require_POST
def place(request: HttpRequest, course: str, lesson: str) -> HttpResponse:
    """Remember the section that is on the screen. A visitor who only scrolls is not made a guest for it."""
    learner = access.learner_of(request)
    page = access.lesson_page_for(learner, course=course, lesson=lesson)
    section = _section_or_404(page, request.POST.get("anchor", ""))
    if learner is not None:
        actions.remember_place(learner=learner, lesson=page.lesson, anchor=section["anchor"])
    return HttpResponse(status=204)


@require_safe
def preview(request: HttpRequest, course: str, lesson: str) -> HttpResponse:
    """The lesson as the learner would see it if it were published now."""
    written = access.lesson_for_preview(access.learner_of(request), course=course, lesson=lesson)
    text = read_lesson(written.source)
    context = {"lesson": written, "revision": written, "sections": sections_as_read(text.sections, {})}
    return render(request, "lessons/lesson.html", {**context, "problems": text.problems, "preview": True})


@require_safe
def figure(request: HttpRequest, name: str) -> HttpResponse:
    """A figure as the query string leaves it: alone to htmx, on a page of its own to others."""
    if name not in FIGURES:
        raise Http404
    shown = FIGURES[name].render(request.GET)
    template = "components/figure.html" if _by_htmx(request) else "lessons/figure.html"
    return render(request, template, {"figure": shown})


@never_cache
@require_safe
def me(request: HttpRequest) -> HttpResponse:
    learner = access.learner_of(request)
    return render(
        request, "lessons/me.html", {"learner": learner, "courses": queries.course_cards_for(learner)}
    )


@never_cache
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """All that is kept of the learner, from every app."""
    learner = _known_learner(request)
    data: dict[str, Any] = {}
    for _receiver, rows in export_requested.send(sender=User, learner=learner):
        data |= cast("dict[str, Any]", rows)
    response = JsonResponse(data, json_dumps_params={"indent": 2})
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest) -> HttpResponse:
    learner = _known_learner(request)
    form = DeleteAccountForm(request.POST if request.method == "POST" else None, learner=learner)
    if not (form.is_bound and form.is_valid()):
        status = 422 if form.is_bound else 200
        return render(request, "lessons/delete.html", {"form": form, "learner": learner}, status=status)
    sign_out(request)
    actions.delete_account(learner=learner)
    messages.success(request, _("Your account and everything in it is deleted."))
    return redirect("lessons:home")


def admin_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Instructors use everybody's door: its limits on guessing hold, and a guest's work comes along."""
    learner = access.learner_of(request)
    if learner is not None and not learner.is_guest and not learner.is_staff:
        raise PermissionDenied
    if learner is not None and learner.is_staff:
        return redirect("admin:index")
    if request.method == "POST":
        return log_in(request)
    address = redirect("account_login")
    address["Location"] += f"?{REDIRECT_FIELD_NAME}=/admin/"
    return address


def _lesson_context(
    page: LessonPage, learner: User | None, wrong: QuestionView | None = None
) -> dict[str, Any]:
    sections = sections_of_page(page, wrong=wrong)
    place = next((section for section in sections[1:] if section.anchor == page.last_anchor), None)
    context = {"page": page, "lesson": page.lesson, "revision": page.revision, "sections": sections}
    return {**context, "place": place, "learner": learner}


def _section_or_404(page: LessonPage, anchor: str) -> dict[str, Any]:
    section = queries.section_of(page.revision, anchor)
    if section is None:
        raise Http404
    return section


def _asked(page: LessonPage, anchor: str) -> tuple[dict[str, Any], dict[str, Any]]:
    section = _section_or_404(page, anchor)
    question = queries.question_of(section)
    if question is None:
        raise Http404
    return section, question


def _by_htmx(request: HttpRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]  # django-htmx's middleware sets it


def _first_error(form: AnswerForm) -> str:
    return str(form.errors["choice"][0])


def _question_refused(
    request: HttpRequest, page: LessonPage, refused: QuestionView | None, learner: User | None
) -> HttpResponse:
    if _by_htmx(request):
        context = {"lesson": page.lesson, "question": refused}
        return render(request, "lessons/question.html", context, status=422)
    return render(request, "lessons/lesson.html", _lesson_context(page, learner, refused), status=422)


def _question_answered(
    request: HttpRequest, page: LessonPage, section: dict[str, Any], progress: dict[str, Any]
) -> HttpResponse:
    if not _by_htmx(request):
        return redirect(f"{page.lesson.get_absolute_url()}#{section['anchor']}")
    context = {
        "lesson": page.lesson,
        "revision": page.revision,
        "question": question_view(section, progress[section["anchor"]]),
        "sections": sections_as_read(page.revision.sections, progress),
    }
    return render(request, "lessons/answered.html", context)


def _known_learner(request: HttpRequest) -> User:
    learner = access.learner_of(request)
    if learner is None:
        raise Http404
    return learner
