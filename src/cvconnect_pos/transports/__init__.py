"""The provider, seen as HTTP."""
