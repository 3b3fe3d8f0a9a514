"""Networks: the only folder that imports torch at the top of a module."""
