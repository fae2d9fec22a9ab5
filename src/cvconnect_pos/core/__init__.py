"""The pure heart: no clock, socket, file, thread or randomness. Time comes in as an argument."""
