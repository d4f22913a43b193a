"""Text to values: one Markdown page becomes one `Runbook`, or the list of every mistake in it."""
