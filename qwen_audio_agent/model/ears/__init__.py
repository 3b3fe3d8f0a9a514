"""Ears that are networks; each is registered by name in `speech.ears`."""
