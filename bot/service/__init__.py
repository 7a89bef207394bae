"""What the bot does, in the order it happens."""
