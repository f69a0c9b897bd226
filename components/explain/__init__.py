"""Step ``explain``: the reasons why the gate failed, and what to inspect next."""
