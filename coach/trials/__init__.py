"""A learner's prompt and the one as found, run with a model on the scenario's cases, side by side."""
