"""A virtual grid of images: it knows their number, fetches what is in view, and sends back what is selected."""

from app.components.photos.image_grid.component import image_grid

__all__ = ["image_grid"]
