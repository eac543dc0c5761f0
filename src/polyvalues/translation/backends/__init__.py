"""What translates: an endpoint, a sequence-to-sequence model, a spreadsheet for people."""
