"""The Discord commands: they parse, answer within 3 seconds and hand over."""
