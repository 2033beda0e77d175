"""One address, and it breaks."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from coach.urls import handler500

__all__ = ["handler500", "urlpatterns"]


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("canary-in-an-error")


urlpatterns = [path("broken/", broken)]
