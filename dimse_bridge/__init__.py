"""The DIMSE door: associations (PS3.8), their messages (PS3.7), and the engine behind them."""
