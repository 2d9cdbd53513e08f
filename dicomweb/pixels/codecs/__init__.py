"""Frames from bytes to arrays and back: one adapter per family of codecs, joined in `table`."""
