"""Which provider this installation has: one for the process, or none, and then the built-in coach writes."""

from __future__ import annotations

import logging

from coach.providers.claude import Claude
from coach.providers.installation import problems, read_installation, wanted

logger = logging.getLogger(__name__)
_chosen: Claude | None = None


def choose() -> Claude | None:
    """The provider that the settings name, the same one while they stay; None for the built-in coach alone.

    Settings that are wrong are logged and send nothing anywhere; Django's check refuses to start with them.
    """
    global _chosen  # noqa: PLW0603 - one a process
    if not wanted():
        return None
    wrong = [problem.message for problem in problems()]
    if wrong:
        logger.error("The model is not asked: %s", " ".join(wrong))
        return None
    installation = read_installation()
    if _chosen is None or _chosen.installation != installation:
        _chosen = Claude(installation)
    return _chosen


async def prepare() -> None:
    """Loads what the first call would wait for, seconds of it, before anybody asks."""
    provider = choose()
    if provider is not None:
        await provider.prepare()


async def close() -> None:
    """Closes the connections that the provider has on this event loop, if any."""
    if _chosen is not None:
        await _chosen.close()
