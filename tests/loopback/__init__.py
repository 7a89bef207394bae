"""Loopback servers that play the vendors over real sockets."""
