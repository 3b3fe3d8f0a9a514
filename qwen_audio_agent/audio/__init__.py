"""Sound: samples, files, rates, levels and activity; nothing here knows about words."""
