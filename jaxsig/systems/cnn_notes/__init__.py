"""Classical convolutional networks."""
