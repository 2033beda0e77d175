"""Work that comes round: when each piece was last begun and what it did."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Chore(models.Model):
    """One piece of background work. The row is its lock: whoever moves `began_at` on does it."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    began_at = models.DateTimeField(_("began at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    failed = models.BooleanField(_("failed"), default=False)
    did = models.CharField(_("did"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("background work")
        verbose_name_plural = _("background work")
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name
