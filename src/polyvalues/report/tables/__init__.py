"""Tables as CSV and LaTeX."""
