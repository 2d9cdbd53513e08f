"""The commands of the console, a module each, loaded when it is asked for: the rest need not wait.

Each has `add_arguments`, `run`, and FAILURES: what it may raise that a sentence tells of.
"""
