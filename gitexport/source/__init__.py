"""Adapters for the databases that gitexport reads, one package for each kind of server.

Each one implements the ports `Source` and `SourceView` of `gitexport.model.ports` and
translates its driver's exceptions into those of `gitexport.errors`.
"""
