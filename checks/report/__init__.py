"""A run as people and programs read it.

The JSON is the record; Markdown, JUnit, summaries and the terminal are drawn from it.
"""
