"""Soft layers: cut, grouped, lifted and written."""
