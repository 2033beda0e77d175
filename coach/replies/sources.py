"""Where replies read: each source takes what all running replies want of it in one query."""

from __future__ import annotations

from typing import Any

from coach import queries
from coach.beginning import Place
from coach.ladder import Step
from coach.outcomes import DatabaseOutcomes
from coach.queries import AttemptKey, Attempts, Authored, Setting, Spoken, TurnKey
from coach.replies import passages
from coach.replies.closed import closed_to_many
from coach.replies.guarding import Closed
from coach.replies.passages import Index
from coach.together import RunInThread, Together
from coach.warmth import Pauses, pauses_of_many


class Sources:
    def __init__(self, read: RunInThread) -> None:
        self.outcomes = DatabaseOutcomes(read)
        self.attempts: Together[AttemptKey, Attempts | None] = Together(queries.attempts_of_many, read)
        self.steps: Together[tuple[int, int], dict[str, Step]] = Together(queries.steps_of_many, read)
        self.authored: Together[int, Authored] = Together(queries.authored_for_many, read)
        self.history: Together[TurnKey, list[dict[str, Any]]] = Together(queries.recent_turns_of_many, read)
        self.spoken: Together[TurnKey, tuple[Spoken, ...]] = Together(queries.spoken_in_many, read)
        self.settings: Together[int, Setting | None] = Together(queries.settings_of_many, read)
        self.pauses: Together[Place, Pauses] = Together(pauses_of_many, read)
        self.closed: Together[AttemptKey, Closed] = Together(closed_to_many, read)
        self.lessons: Together[str, Index] = Together(
            lambda keys: dict.fromkeys(keys, passages.index()), read
        )
