"""gitexport.toml and local.toml: text to values of `model`, and values to text.

Knows the words of the configuration and where each stands in its file. Knows nothing of
databases, git or terminals, and never reads the environment. The only home of tomlkit.
"""
