"""Commands that the drivers add to `cvconnect`."""
