"""Trains members: the loop, optimisers, checkpoints, devices."""
