"""Brings what is recorded in line with what is there: the reconciler, stalls, the drift check."""
