"""Side by side with other servers on one machine, on the same bytes: `make bench-peers`."""
