"""The action cache: outputs of jobs by the key of everything that shapes them."""
