"""Publishing: the branch and its tags go to a remote, and are read back from there."""
