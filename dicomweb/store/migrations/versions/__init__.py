"""One module a version; each is a snapshot and never changes once it was released."""
