"""The kind's formsets in the admin, worked by the admin's own script for adding and removing rows."""

from __future__ import annotations

import json

from django import forms, template
from django.utils.translation import gettext as _

from exercises.kinds.base import AuthoringPart

register = template.Library()


@register.filter
def inline_options(part: AuthoringPart) -> str:
    """What the admin's inlines.js reads from `data-inline-formset`."""
    assert isinstance(part.form, forms.BaseFormSet)  # noqa: S101 - the template asks for formsets only
    options = {
        "prefix": part.form.prefix,
        "addText": _("Add another: %(title)s") % {"title": part.title},
        "deleteText": _("Remove"),
    }
    return json.dumps({"name": f"#{part.form.prefix}", "options": options})
