"""Edits as data: what is heard, in which order, from which recordings; and how it becomes sound."""
