"""Images from far-field intensities."""
