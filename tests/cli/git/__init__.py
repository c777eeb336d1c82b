"""Git as people use it, with the drivers and hooks that gitexport installs."""
