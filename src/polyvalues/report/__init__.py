"""From findings to what people look at: figures, tables, sentences and one HTML page.

Nothing is computed here. Every number arrives finished, with its interval, in `Findings`.
"""
