"""What a kind's prediction is typed into."""

from __future__ import annotations

from django import forms


class StepperInput(forms.NumberInput):
    """A number field between the buttons Less and More, for those who work without a keyboard.

    `by`: what one click adds or takes, in the field's unit. `begins_at`: where an empty field counts from.
    """

    def __init__(self, *, by: float, begins_at: float = 0) -> None:
        self.by, self.begins_at = by, begins_at
        super().__init__(attrs={"step": "any", "inputmode": "decimal"})

    @property
    def less(self) -> float:
        """What one click on Less adds."""
        return -self.by
