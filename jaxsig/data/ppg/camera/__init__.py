"""The pulse in the colour of skin, from a camera."""
