"""Django's database sessions, except that a cookie no session can have is not looked up."""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore


class SessionStore(DatabaseSessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        # A quoted cookie may carry NUL, at which PostgreSQL fails instead of finding nothing.
        return bool(key) and 8 <= len(key or "") <= 40 and (key or "").isalnum()
