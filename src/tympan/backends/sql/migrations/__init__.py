"""Alembic's scripts; ``tympan.backends.sql.migrate`` runs them."""
