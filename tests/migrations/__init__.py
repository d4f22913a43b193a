"""Tests of checks/migrations."""
