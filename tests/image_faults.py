"""A folder of drawn pictures with one of every fault that the health check looks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter


def picture(seed: int, height: int = 150, width: int = 200) -> Image.Image:
    """A smooth random picture with a little grain."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(40, 256, (8, 8, 3)).astype(np.uint8))
    pixels = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), float)
    return Image.fromarray(np.clip(pixels + 16 * rng.standard_normal(pixels.shape), 0, 255).astype(np.uint8))


def draw_faulty(root: Path) -> Path:
    """15 pictures that can be read and one that cannot."""
    (root / "sub").mkdir(parents=True)
    for seed in range(6):
        picture(seed).save(root / f"{seed}.png")
    picture(0).save(root / "sub" / "copy.bmp")  # equal pixels in another format
    picture(0).save(root / "sub" / "again.png")
    picture(1).resize((100, 75), Image.Resampling.BOX).save(root / "smaller.jpg", quality=95)
    picture(0).resize((120, 90), Image.Resampling.BOX).save(root / "zoomed.jpg", quality=95)
    picture(30, 40, 60).save(root / "icon.png")
    picture(31).point(lambda v: v // 5).save(root / "night.png")
    picture(32).filter(ImageFilter.GaussianBlur(4)).save(root / "soft.png")
    for name, grey in (("flat1.png", 120), ("flat2.png", 180)):
        Image.new("RGB", (200, 150), (grey, grey, grey)).save(root / name)
    (root / "broken.jpg").write_bytes((root / "smaller.jpg").read_bytes()[:900])
    return root
