"""Readers and simulators of photoplethysmograms."""
