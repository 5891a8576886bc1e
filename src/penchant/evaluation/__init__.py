"""Held-out parts and what is measured on them."""
