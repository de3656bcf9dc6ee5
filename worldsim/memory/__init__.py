"""What games with a camera remember of what they saw, and what that tells of the next view."""
