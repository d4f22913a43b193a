"""The images container tests run on, and what else they need of a Docker engine."""
