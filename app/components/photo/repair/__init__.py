"""A mask drawn over its image with brush, eraser and polygon."""

from app.components.photo.repair.component import mask_editor

__all__ = ["mask_editor"]
