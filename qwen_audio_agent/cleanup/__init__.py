"""Cleaning up long recordings: find what a listener would not miss, propose, and do what is agreed.

    file -> survey and words -> proposals -> guards -> plan (data) -> edit list and effects -> file

`episode.clean_up` is the whole way; `plan.Plan` is what a person or a model may alter in between.
"""
