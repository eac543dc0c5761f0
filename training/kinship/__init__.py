"""Language distances shipped with the package are computed here."""
