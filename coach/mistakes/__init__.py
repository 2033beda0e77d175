"""Mistakes that learners plausibly make, kind by kind: each turns a good answer into a worse one. Pure."""
