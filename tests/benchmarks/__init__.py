"""Speed claims, each a ratio of two times taken in the same run on the same machine."""
