"""An attempt from its request to its last activity: admission, running an activity, waiting, the retry window."""
