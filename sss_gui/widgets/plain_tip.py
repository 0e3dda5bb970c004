"""Tool tips that show file names as they are: Qt takes a tip that looks like HTML for rich text."""

from __future__ import annotations

from html import escape


def plain_tip(text: str) -> str:
    """`text` as a tool tip that shows it letter for letter; empty stays empty, which shows no tip."""
    return f'<span style="white-space:pre-wrap">{escape(text)}</span>' if "<" in text else text
