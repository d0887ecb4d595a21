"""Write made-up embeddings into data/embeddings.npz, to try the config before your own are there."""

from pathlib import Path

import numpy as np

random = np.random.default_rng(0)
labels = np.array(["music", "news", "sport"] * 40)
features = random.normal(size=(120, 8)) + 3 * (labels == "sport")[:, None]
Path("data").mkdir(exist_ok=True)
np.savez("data/embeddings.npz", features=features.astype("float32"), labels=labels)
print("Wrote 120 embeddings into data/embeddings.npz")
