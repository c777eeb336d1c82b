"""Makes a data repository ready: init, track, relayout, hooks, and the demo's sample data.

Knows entities, relations and the data repository through the ports; composes no SQL of its
own beside the sample's script, and speaks to no terminal.
"""
