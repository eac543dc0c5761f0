"""A study: from pairs and a model to findings, tests and a report, through a folder that keeps every step."""
