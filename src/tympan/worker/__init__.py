"""Runs jobs: reconcile, attempt, record."""
