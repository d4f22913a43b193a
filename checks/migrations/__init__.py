"""What migration tools leave behind, read without them: files in folders, rows in version tables."""
