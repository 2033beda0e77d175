"""Which prefixes the providers' caches hold, for the processes that did not write them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class CachedPrefix(models.Model):
    """One entry, as who wrote or read it last knows of it. The key names texts, and tells nothing of them."""

    model = models.CharField(max_length=100)
    key = models.CharField(max_length=64)
    ttl_seconds = models.FloatField()
    expires_at = models.DateTimeField(db_index=True)
    message = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["model", "key"], name="cached_prefix_once"),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.key}"
