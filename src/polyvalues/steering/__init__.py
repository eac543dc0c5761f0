"""Steering: interventions, hooks, generation, judges of what was generated, and what it costs."""
