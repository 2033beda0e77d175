from django.contrib import admin
from django.urls import URLPattern, include, path

from coach import views

coaching: list[URLPattern] = []

urlpatterns = [
    path("", include("lessons.urls")),
    path("exercises/", include("exercises.urls")),
    path("coach/", include((coaching, "coach"))),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("healthz", views.health, name="health"),
]

handler400 = "coach.views.bad_request"
handler403 = "coach.views.permission_denied"
handler404 = "coach.views.not_found"
handler500 = "coach.views.server_error"
