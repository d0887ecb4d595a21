"""Draw 180 images of three shapes into data/images, to try the config before your own images are there."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

random = np.random.default_rng(0)
for name in ("circle", "cross", "square"):
    folder = Path("data/images", name)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(60):
        image = Image.fromarray(random.integers(0, 90, (32, 32), dtype=np.uint8))
        x, y, r = random.integers((10, 10, 6), (22, 22, 10)).tolist()
        pen, box = ImageDraw.Draw(image), (x - r, y - r, x + r, y + r)
        if name == "circle":
            pen.ellipse(box, outline=200)
        elif name == "square":
            pen.rectangle(box, outline=200)
        else:
            pen.line(box, fill=200)
            pen.line((x - r, y + r, x + r, y - r), fill=200)
        image.save(folder / f"{number}.png")
print("Drew 180 images into data/images")
