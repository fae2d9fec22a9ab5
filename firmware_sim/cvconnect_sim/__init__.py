"""The other side of every cable: the provider, the customer's phone, the scanner, the printer, and a whole counter."""
