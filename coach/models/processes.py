"""The server processes that use this database."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Process(models.Model):
    """One server process. It is alive while it renews its lease, by the clock of the database."""

    owner = models.CharField(_("owner"), max_length=64, unique=True)
    host = models.CharField(_("host"), max_length=255)
    pid = models.PositiveIntegerField(_("process id"))
    lease_until_at = models.DateTimeField(_("lease runs until"))
    started_at = models.DateTimeField(_("started at"), db_default=Now())

    class Meta:
        verbose_name = _("process")
        verbose_name_plural = _("processes")

    def __str__(self) -> str:
        return f"{self.host}, process {self.pid}"
