"""The benchmark: the bot beside a naive one, in the same run; see __main__.py."""
