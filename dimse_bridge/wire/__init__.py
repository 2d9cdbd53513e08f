"""The wire without I/O: bytes -> PDUs -> messages and back, and the state table between them."""
