"""Is a join clean? Asked of the signal, of timing and of the ear; see `agent.verify`."""
