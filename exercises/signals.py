"""What other apps may hear from the exercises, always once the transaction is through.

`submission_graded(submission)`: an attempt has its grade; sent once for each attempt.
`exercise_published(exercise, revision)`: learners see another revision from now on.
"""

from __future__ import annotations

from django.dispatch import Signal

submission_graded = Signal()
exercise_published = Signal()
