"""Guests and accounts: allauth's doors, opened to people whom Django already takes for signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as account_views
from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from lessons import actions
from lessons.access import guest_of, learner_of
from lessons.models import User

View = Callable[..., HttpResponseBase]


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def new_user(self, request: HttpRequest) -> User:
        """A guest who signs up keeps their row, and with it everything that points at it."""
        return guest_of(request) or User()

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:  # noqa: FBT001, FBT002
        filled: User = super().save_user(request, user, form, commit=False)
        return actions.save_account(user=filled) if commit else filled

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in, and give the work of this session's guest to the account."""
        guest = guest_of(request)
        super().login(request, user)
        if guest is not None:
            actions.claim_guest(guest=guest, learner=user)


class SignupView(account_views.SignupView):  # type: ignore[misc]  # allauth has no types
    def form_valid(self, form: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().form_valid(form)
        except IntegrityError:  # the same address, sent twice at once: the other one won
            form.add_error("email", _("A user is already registered with this email address."))
            response = self.form_invalid(form)
        return response


def guests_may_enter(view: View) -> View:
    """Let a guest through to signing in and signing up: allauth sends whoever is authenticated away."""

    @wraps(view)
    def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        guest = guest_of(request)
        if guest is not None:
            request.guest_entering = guest  # type: ignore[attr-defined]  # read by access.guest_of
            request.user = AnonymousUser()
        return view(request, *args, **kwargs)

    return entered


def members_only(view: View) -> View:
    """Pages about an account's password and addresses: a guest has neither and is offered to sign up."""

    @wraps(view)
    def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        learner = learner_of(request)
        if learner is not None and learner.is_guest:
            return redirect("account_signup")
        return view(request, *args, **kwargs)

    return entered


log_in = guests_may_enter(account_views.login)
sign_up = guests_may_enter(SignupView.as_view())
reset_password = guests_may_enter(account_views.password_reset)
change_password = members_only(account_views.password_change)
set_password = members_only(account_views.password_set)
change_email = members_only(account_views.email)
reauthenticate = members_only(account_views.reauthenticate)
