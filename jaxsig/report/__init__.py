"""Rows become figures, tables and one page."""
