"""Drivers of the devices that stand on a counter: scanners, customer displays, ticket printers.

Each driver is made from a device URL by the factory that an entry point names, and satisfies the interfaces of the
SDK by its shape alone: nothing here imports the SDK, and a vendor's own driver plugs in the same way.
"""
