"""What a timm model owes to annotation, by the words of its tag, such as `augreg_in21k_ft_in1k`."""

from __future__ import annotations

import re

# Trained on images alone. Every model that timm tags `mim` is EVA-02, which learns to predict the features of a CLIP.
_UNLABELLED = re.compile(r"dino(v\d)?|(fc)?mae|mim|ijepa|seer|lvd\d+m|sat\d+m")
_IMAGE_LABELS = re.compile(r"inw?\d+k")  # ImageNet: in1k, in12k, in21k, in22k
# Trained on images with the words found beside them: captions, names of files, hashtags.
_TEXT = re.compile(r"\w*clip\d?|siglip\w*|openai|laion\w*|datacomp\w*|dfn\d\w*|webli|yfcc15m|cc12m|swag|wsl|swsl")
_FILLER = re.compile(r"fb|ft|pt|\d+|[er]\d+|patch\d+")  # who trained it, sizes and lengths: nothing about labels
_NON_COMMERCIAL = re.compile(r".*-nc\b.*|.*non-?commercial.*|seer-license|apple-amlr")  # or for research alone


def supervision_of_tag(tag: str) -> tuple[str, str] | None:
    """Direct and inherited supervision, of `comus_core.weights.registry.SUPERVISION_ORDER`; None is unknown.

    A tag of several words is as strong as the strongest of them: `mae_ft_in1k` was fine-tuned on image labels. Before
    the fine-tuning, ImageNet's name beside a method without labels, as in `in1k_ijepa`, says whose images, not labels.
    """
    before, fine_tuned, after = tag.partition("_ft_")
    words = {word for part in (before, after) for word in part.split("_") if word}
    unlabelled = {word for word in words if _UNLABELLED.fullmatch(word)}
    of_images = {word for word in words if _IMAGE_LABELS.fullmatch(word)}
    text = {word for word in words if _TEXT.fullmatch(word)}
    if unlabelled & set(before.split("_")) and not fine_tuned:
        of_images, unlabelled = set(), unlabelled | of_images
    inherited = "text" if "mim" in words else "none"
    if text or of_images:
        return ("text" if text else "image labels"), inherited
    rest = {word for word in words - unlabelled if not _FILLER.fullmatch(word)}
    return ("none", inherited) if unlabelled and not rest else None


def is_non_commercial(licence: str) -> bool:
    """Whether a licence by timm's name for it forbids commercial use."""
    return bool(_NON_COMMERCIAL.fullmatch(licence.lower()))
