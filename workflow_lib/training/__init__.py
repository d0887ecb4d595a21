"""Training of one network, or of many at once: loop, epochs, augmentation, optimisers, devices."""
