"""Data sets: folders, VOC, COCO, the drawn demo; decoding and the health check. Imports no torch."""
