"""The use cases: run an activity, give up, unwind. Decisions are the law's, effects the activities'."""
