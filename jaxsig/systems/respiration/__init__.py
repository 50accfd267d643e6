"""Respiration from the PPG."""
