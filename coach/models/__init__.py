"""The coach's tables, a module for each idea."""

from coach.models.conversations import Conversation, LadderStep, Turn, TurnEvent

__all__ = ["Conversation", "LadderStep", "Turn", "TurnEvent"]
