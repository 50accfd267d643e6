"""Readers and simulators of images and intensities."""
