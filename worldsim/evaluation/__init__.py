"""Measuring a learned world against the exact one that it was trained on."""
