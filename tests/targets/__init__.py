"""Tests of the targets: real servers, and listeners that misbehave."""
