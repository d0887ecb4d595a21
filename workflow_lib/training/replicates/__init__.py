"""Many trainings of one architecture on the same images, one by one or at once."""
