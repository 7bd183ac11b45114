"""How a failed or cancelled attempt ends: giving up, unwinding, escalation, and the policy that Recover follows."""
