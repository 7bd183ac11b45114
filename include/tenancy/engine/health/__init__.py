"""The health of each outside system: its checks and their verdicts."""
