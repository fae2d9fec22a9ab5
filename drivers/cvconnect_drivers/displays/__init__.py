"""Surfaces turned to the customer."""
