"""From projections to scores, outcomes of pairs and the choice of layers."""
