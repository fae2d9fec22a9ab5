"""Barcode scanners (*douchettes*)."""
