"""The least a role must be given to run a page's checks: what they ask, what that names, and the script for it."""
