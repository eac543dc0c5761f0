"""Loading a language model once and reading its hidden states. The only stage that imports torch."""
