"""The action cache: outputs of jobs, stored under a key made from everything that shapes them."""
