"""What other apps may hear from the lessons.

`guest_claimed(guest, learner)`: a guest signed in to an account they already had. Each app moves its own rows
from one to the other, inside the transaction that also removes the guest.
`lesson_published(lesson, revision)`: sent once the transaction is through.
`export_requested(learner)`: each receiver returns a mapping of JSON-safe rows of that learner, by heading.
"""

from __future__ import annotations

from django.dispatch import Signal

guest_claimed = Signal()
lesson_published = Signal()
export_requested = Signal()
