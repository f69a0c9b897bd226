"""Backtest: retraining policies replayed on dated rows."""
