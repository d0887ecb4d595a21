"""Many trainings of one architecture on the same images, one after another or at the same time."""
