"""Recordings of a PPG with the arterial pressure, or with a cuff's readings."""
