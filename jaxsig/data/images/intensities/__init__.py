"""A user's own diffraction intensities: detector files, masks and what the numbers mean."""
