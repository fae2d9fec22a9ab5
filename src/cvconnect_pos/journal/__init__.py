"""What happened, written before it is acted upon."""
