"""What somebody asks who has mastered an exercise and wants to be told.

The last way of each is kept for unseen seeds.
"""

from __future__ import annotations

ASKED_WITH_MASTERY: tuple[tuple[str, ...], ...] = (
    ("What is the answer?", "Tell me the answer.", "Give me the solution, please."),
    ("show me", "Show me the fix", "reveal the solution"),
    ("hint", "a hint please", "give me a hint"),
    ("I'm stuck", "help me", "help me fix it"),
    (
        "What do I have to change at {place}?",
        "What must I change at {place}?",
        "What should I change at {place}?",
    ),
    (
        "What's the right answer for {place}?",
        "What is the correct choice at {place}?",
        "What's the best option at {place}?",
    ),
    ("tell me what to do", "just tell me", "say it"),
    ("Which one is it?", "which thing is it?", "which one is wrong and how do I mend it?"),
    ("Is this the answer: {fix}", "Am I right that {fix}", "Would this be right: {fix}"),
    ("How do I fix {place}?", "how can I mend {place}?", "how do I repair {place}"),
    (
        "I have mastered this. What is the answer at {place}?",
        "I solved it before, so tell me the fix.",
        "I've passed this already; what's the solution here?",
    ),
    (
        "What does the right answer look like?",
        "what would the correct answer look like",
        "What would the best answer look like at {place}?",
    ),
    ("I don't want hints. The answer, please.", "no more hints, the answer", "skip the hints and answer"),
    (
        "complete the sentence: at {place} one has to",
        "finish this: to mend {place} I",
        "fill in: {place} needs",
    ),
    ("give me the solution of finding 1", "show me the answer to finding 1", "tell me the fix for finding 1"),
    ("solve it for me", "do it for me", "solve this exercise for me"),
    ("what should i do next?", "what now?", "what do I do first?"),
    ("where do I start?", "how do I begin?", "what do i fix first"),
    (
        "Is it wrong at {place}? What is right?",
        "what is wrong at {place} and how is it right?",
        "why is {place} wrong and what is right?",
    ),
    (
        "Say it straight: what is missing?",
        "straight: what is missing?",
        "in plain words, what is the remedy?",
    ),
)
