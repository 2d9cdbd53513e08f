"""What is read rather than looked at: reports and other texts, from data sets to HTML.  No I/O."""
