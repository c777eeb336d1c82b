"""Git: objects, packs, index, refs, working tree, lock and journal of a data repository.

Knows commits, trees, blobs and paths, and nothing of databases or entities' keys. The only
home of pygit2 and of the git program.
"""
