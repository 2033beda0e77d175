"""Time by the database's clock: the one clock that all processes share, whatever their own say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import DateTimeField, ExpressionWrapper, Value
from django.db.models.functions import Now

LEASE_SECONDS = 10.0


def lease_end(seconds: float = LEASE_SECONDS) -> Any:
    """So long from now, as an expression for a query."""
    return ExpressionWrapper(Now() + Value(timedelta(seconds=seconds)), output_field=DateTimeField())
