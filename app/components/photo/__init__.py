"""An image with layers over it, switched and faded in the browser."""

from app.components.photo.component import Layer, photo

__all__ = ["Layer", "photo"]
