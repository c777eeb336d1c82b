"""Finds the rows that documents of another database stand for, set by set.

- `tables`: the temporary tables, and how their columns are named
- `take`: documents go in
- `known`: each is matched with a row, or gets the values that the target assigns
- `assigned`: where new keys come from
- `followed`: references are rewritten, documents come out
- `recogniser`: the port
"""
