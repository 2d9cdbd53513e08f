"""Pure functions on pixel data: bytes to arrays to bytes.  No I/O."""
