"""The restore drill: acquire a backup, restore it, prove what came back, measure, and keep the evidence."""
