"""What operators do and what follows: actions, previews, giving up, unwinding, escalation."""
