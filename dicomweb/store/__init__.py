"""Where things are kept: the only code that touches disk, network or a SQL connection."""
