"""What operators ask for: each action, its preview and dry run, idempotency, the invitation, and Recover."""
