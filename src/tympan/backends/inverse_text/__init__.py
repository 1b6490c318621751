"""Inverse text normalisation by libraries."""
