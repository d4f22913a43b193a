"""Tests of checks/backup."""
