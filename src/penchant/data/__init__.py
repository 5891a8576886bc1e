"""Interactions, the ids and facts that come with them, and the ways they come in."""
