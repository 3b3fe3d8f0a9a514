"""WORDS: what is said in a sound, and when; sound comes from `audio`, edits know only words."""
