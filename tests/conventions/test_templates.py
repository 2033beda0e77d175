"""Templates carry nothing inline (the policy would block it) and decide no rights."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)|javascript:", re.IGNORECASE)
RIGHTS = re.compile(r"\bperms\.|is_staff|is_superuser|has_perm")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_template_has_nothing_inline_and_no_permission_test(path: Path):
    text = path.read_text()
    assert not INLINE.search(text), INLINE.search(text)
    assert not RIGHTS.search(text), RIGHTS.search(text)
