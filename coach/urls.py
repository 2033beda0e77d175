from django.contrib import admin
from django.urls import URLPattern, include, path
from django.utils.translation import gettext_lazy as _

from coach import views
from coach.trials import views as trials

coaching: list[URLPattern] = [
    path("ask/", views.ask, name="ask"),
    path("turns/<uuid:turn>/", views.turn, name="turn"),
    path("turns/<uuid:turn>/stop/", views.stop, name="stop"),
    path("turns/<uuid:turn>/again/", views.again, name="again"),
    path("turns/<uuid:turn>/made/", views.made, name="made"),
    path("trials/<slug:slug>/<int:number>/", trials.trial, name="trial"),
    path("trials/<slug:slug>/<int:number>/stop/", trials.trial_stop, name="trial-stop"),
    path("<str:kind>/<slug:slug>/", views.conversation, name="conversation"),
]

urlpatterns = [
    path("", include("lessons.urls")),
    path("exercises/", include("exercises.urls")),
    path("coach/", include((coaching, "coach"))),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("healthz", views.health, name="health"),
]

admin.site.site_header = admin.site.site_title = _("Critical Path: instructors")
admin.site.index_title = _("Authoring")

handler400 = "coach.views.bad_request"
handler403 = "coach.views.permission_denied"
handler404 = "coach.views.not_found"
handler500 = "coach.views.server_error"
