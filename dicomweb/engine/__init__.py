"""What the archive does: its verbs.  Knows neither HTTP nor DIMSE."""
