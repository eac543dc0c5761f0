"""Questions asked of a finished study: noise, divergence, translation quality, steering, comparison of models."""
