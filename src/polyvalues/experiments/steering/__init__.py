"""The steering experiment on a finished study: prompts, directions, conditions, search, test."""
