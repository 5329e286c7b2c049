"""Where pictures come from: folders, VOC, COCO, the drawn demo; decoding and the health check. No torch here."""
