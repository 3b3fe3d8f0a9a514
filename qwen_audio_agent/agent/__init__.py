"""The agent: a session, its tools, and the loop that lets a chat model use them."""
