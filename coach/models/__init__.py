"""The coach's tables, a module for each idea."""

from coach.models.conversations import Conversation, LadderStep, Turn, TurnEvent
from coach.models.money import Limit, ProviderAttempt, Spending

__all__ = [
    "Conversation",
    "LadderStep",
    "Limit",
    "ProviderAttempt",
    "Spending",
    "Turn",
    "TurnEvent",
]
