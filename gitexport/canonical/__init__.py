r"""Bytes, names and places of documents: pure functions, without a database, git or files.

- `reading`: JSON text read strictly
- `nested`: one JSON value that PostgreSQL printed, in canonical form
- `encode`: a document from a row's text; what the compiled SELECT writes around its values
- `check`, `locate`: any JSON text in canonical form, and whether bytes are in it
- `value`: gitexport's own JSON values, and exact reading
- `keys`: a key's file name, and back
- `shards`: a key's directory; which paths belong to an entity
- `blob_id`: the object id that git gives to bytes

Canonical JSON, version 1: UTF-8; members sorted by code point at every depth; `": "` after
a name; two spaces for each level; one array element a line; `{}` and `[]` when empty; LF, one
at the end; the escapes `\" \\ \b \f \n \r \t` and `\u00xx` in lower case where JSON
demands one, and no others; the text of numbers kept digit for digit.
"""
