"""A question, a tool that answers it, and the engines that it is put to."""

from __future__ import annotations

from langchain_core.tools import tool

FORMS = ("react", "hermes", "free react", "free hermes")
"""Of the writers; the free ones write without a grammar, and make up results of tools."""

QUESTION = "What is the weather in San Francisco, CA?"


@tool
def get_weather(location: str) -> str:
    """Get the weather at a location."""
    return f"sunny in {location}"
