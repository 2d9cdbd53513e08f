"""What this server says of itself, written from the tables that the code runs on."""
