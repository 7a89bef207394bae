"""Everything but the commands: the domain, the service, the adapters and their composition."""
