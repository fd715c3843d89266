"""Identifies callers: bearer header, tokens, key sets, known users. Imports nothing else of this project."""
