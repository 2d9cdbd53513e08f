"""What things cost, as ratios against a limit measured in the same run; not run by the tests."""
