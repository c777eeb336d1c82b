"""What differs: fields between two documents, values told apart exactly as they are written.

The only home of deepdiff. Pure: reads bytes, knows no repository.
"""
