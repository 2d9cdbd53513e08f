"""The HTTP door: parse, ask the engine, answer (PS3.18)."""
