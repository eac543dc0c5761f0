"""The control experiment on a finished study: prompts, directions, gates, search, test."""
