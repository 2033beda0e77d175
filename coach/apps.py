from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoachConfig(AppConfig):
    name = "coach"
    verbose_name = _("Coach")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from coach import checks, receivers  # noqa: F401 - imported for what they register
