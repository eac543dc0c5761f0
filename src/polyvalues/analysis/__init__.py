"""From scores and cosines to findings: recognition, consistency, transfer, each with an interval."""
