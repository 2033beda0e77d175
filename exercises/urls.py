from django.urls import path

from exercises import views

app_name = "exercises"
urlpatterns = [
    path("<slug:slug>/", views.exercise, name="exercise"),
    path("<slug:slug>/draft/", views.draft_save, name="draft"),
    path("<slug:slug>/start-over/", views.draft_discard, name="start-over"),
    path("<slug:slug>/submit/", views.submission_create, name="submit"),
    path("<slug:slug>/attempts/<int:number>/", views.attempt, name="attempt"),
    path("<slug:slug>/attempts/<int:number>/resume/", views.attempt_resume, name="resume"),
    path("<slug:slug>/compare/", views.compare, name="compare"),
]
