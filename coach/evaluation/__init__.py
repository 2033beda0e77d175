"""How good the coach's replies are, measured by code: wrong answers, hostile conversations, scores."""
