from django.urls import path

from lessons import accounts, views

app_name = "lessons"

urlpatterns = [
    path("", views.home, name="home"),
    path("courses/<slug:course>/<slug:lesson>/", views.lesson, name="lesson"),
    path("courses/<slug:course>/<slug:lesson>/answer/", views.answer, name="answer"),
    path("courses/<slug:course>/<slug:lesson>/done/", views.section_done, name="done"),
    path("courses/<slug:course>/<slug:lesson>/place/", views.place, name="place"),
    path("courses/<slug:course>/<slug:lesson>/preview/", views.preview, name="preview"),
    path("figures/<slug:name>/", views.figure, name="figure"),
    path("me/", views.me, name="me"),
    path("me/export/", views.export, name="export"),
    path("me/delete/", views.delete, name="delete"),
    # Before allauth's own at the same addresses: its doors would turn guests away (see accounts).
    path("accounts/login/", accounts.log_in, name="log_in"),
    path("accounts/signup/", accounts.sign_up, name="sign_up"),
    path("accounts/password/reset/", accounts.reset_password, name="reset_password"),
    path("accounts/password/change/", accounts.change_password, name="change_password"),
    path("accounts/password/set/", accounts.set_password, name="set_password"),
    path("accounts/email/", accounts.change_email, name="change_email"),
    path("accounts/reauthenticate/", accounts.reauthenticate, name="reauthenticate"),
    path("admin/login/", views.admin_sign_in, name="admin_sign_in"),
]
