"""Experiments in workdirs: training, evaluation, sweeps, nested cross-validation."""
