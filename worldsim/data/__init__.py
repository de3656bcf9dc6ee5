"""Recordings: environments and policies in, episodes and windows of them out."""
