"""The main use case: pending rows become one tagged commit, then are acknowledged.

Knows the order of the steps and what each may rely on. Connects to nothing itself, prints
nothing and does not read the clock: the source, the repository, the clock and the progress
are handed in.
"""
