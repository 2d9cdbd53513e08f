"""What things are: values, tables of facts and pure parsers.  No I/O, no HTTP, no network."""
