"""Machines, tunnels, servers and clients that the end-to-end tests and the demo are made of."""
