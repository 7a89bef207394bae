"""The same bot offline: Discord played by simcord, fal by a loopback server."""
