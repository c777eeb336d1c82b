"""What differs: documents between two trees, fields between two documents.

Finds documents of any commit by entity and key, visits no equal subtree, and tells values
apart exactly as they are written. The only home of deepdiff.
"""
