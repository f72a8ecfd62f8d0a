"""Corrections of answers: their format, and the store that keeps them."""
