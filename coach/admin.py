"""Transcripts for instructors: to read, never to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from coach import money_admin  # noqa: F401 - imported for what it registers
from coach.models import Chore, Conversation, LadderStep, Turn
from coach.readonly import ReadOnly

if TYPE_CHECKING:
    ChoreBase = admin.ModelAdmin[Chore]
    ConversationBase = admin.ModelAdmin[Conversation]
    LadderStepBase = admin.ModelAdmin[LadderStep]
else:
    ChoreBase = ConversationBase = LadderStepBase = admin.ModelAdmin


@admin.register(Conversation)
class ConversationAdmin(ReadOnly, ConversationBase):
    list_display = ("learner", "about", "turn_count", "created_at")
    list_filter = ("lesson", "exercise")
    list_select_related = ("learner", "lesson", "exercise")
    date_hierarchy = "created_at"
    fields = ("learner", "lesson", "exercise", "created_at", "transcript")
    readonly_fields = fields

    @admin.display(description=_("about"))
    def about(self, conversation: Conversation) -> str:
        return str(conversation.exercise or conversation.lesson)

    @admin.display(description=_("turns"))
    def turn_count(self, conversation: Conversation) -> int:
        return conversation.turns.count()

    @admin.display(description=_("transcript"))
    def transcript(self, conversation: Conversation) -> SafeString:
        turns = conversation.turns.order_by("number")
        rows = ((turn.number, turn.get_state_display(), _asked(turn), turn.text) for turn in turns)
        return format_html_join("", "<p>{} ({}) <strong>{}</strong></p><p>{}</p>", rows)


def _asked(turn: Turn) -> SafeString | str:
    if turn.question or turn.submission_id is None:
        return turn.question
    address = reverse("admin:exercises_submission_change", args=[turn.submission_id])
    return format_html('<a href="{}">{}</a>', address, _("an attempt"))


@admin.register(LadderStep)
class LadderStepAdmin(ReadOnly, LadderStepBase):
    list_display = ("learner", "exercise", "finding_key", "rung", "shown_answer", "updated_at")
    list_filter = ("exercise", "rung", "shown_answer")
    list_select_related = ("learner", "exercise")
    search_fields: ClassVar[tuple[str, ...]] = ("finding_key",)


@admin.register(Chore)
class ChoreAdmin(ReadOnly, ChoreBase):
    """When background work was last done: an operator's first look."""

    list_display = ("name", "began_at", "ended_at", "failed", "did")
    list_filter = ("failed",)
