"""How good is a translation? Measured on every text, flagged by the language's own distribution."""
