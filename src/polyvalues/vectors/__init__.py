"""From hidden states to concept vectors: reducers, estimators, and fits on all or on parts of the pairs."""
