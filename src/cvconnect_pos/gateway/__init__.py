"""The provider, seen as operations."""
