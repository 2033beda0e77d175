"""The coach's tables, a module for each idea."""

from coach.models.beliefs import TaskOutcome
from coach.models.chores import Chore
from coach.models.conversations import Conversation, LadderStep, Turn, TurnEvent
from coach.models.money import Limit, ProviderAttempt, Spending
from coach.models.prefixes import CachedPrefix
from coach.models.processes import Process
from coach.models.trials import TrialRun

__all__ = [
    "CachedPrefix",
    "Chore",
    "Conversation",
    "LadderStep",
    "Limit",
    "Process",
    "ProviderAttempt",
    "Spending",
    "TaskOutcome",
    "TrialRun",
    "Turn",
    "TurnEvent",
]
