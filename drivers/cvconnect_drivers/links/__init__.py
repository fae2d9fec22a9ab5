"""Byte pipes to devices. Every operation has a deadline, and no foreign exception leaves them."""
