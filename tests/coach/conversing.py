"""A learner who talks to the built-in coach about the shipped course, without a server between them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from coach.replies.answering import answer
from coach.replies.asked import Asked, look_up
from coach.replies.guard import Guard
from coach.replies.intents import read_question
from coach.replies.memory import Memory
from coach.replies.parts import Sentence
from coach.replies.passages import Index
from coach.replies.situation import Words
from coach.replies.telling import Teller


@dataclass(frozen=True, slots=True)
class Said:
    """One reply of the coach."""

    sentences: tuple[Sentence, ...]

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def links(self) -> list[str]:
        """Places that are cited, as `lesson-slug#anchor`."""
        urls = [sentence.link.url for sentence in self.sentences if sentence.link]
        return [url.rstrip("/").split("/courses/agent-latency/")[1].replace("/#", "#") for url in urls]

    def of(self, role: str) -> str:
        return " ".join(sentence.text for sentence in self.sentences if sentence.role == role)


@dataclass(slots=True)
class Talk:
    index: Index
    lesson: str = "trade-offs"
    here: str = ""
    memory: Memory = field(default_factory=Memory)

    def ask(self, question: str) -> Said:
        said: list[Sentence] = []
        reading = read_question(question)
        near = self.here or self.memory.topic
        asked = Asked(
            question=question,
            reading=reading,
            lesson=self.lesson,
            here=self.here,
            in_exercise=False,
            attempts=None,
            findings=(),
            changes=None,
            steps={},
            words=Words(),
            found=look_up(self.index, question, reading, near=near, lesson=self.lesson),
            index=self.index,
            memory=self.memory,
        )
        left = answer(asked, Teller(said.append, Guard([]), lambda _key: ())).memory
        questions = (question, *self.memory.questions)
        self.memory = replace(left, questions=questions, turns=len(questions))
        return Said(tuple(said))
