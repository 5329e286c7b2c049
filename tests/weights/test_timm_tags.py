import pytest
import timm

from comus_core.weights.registry import SUPERVISION_ORDER
from comus_core.weights.timm_tags import is_non_commercial, supervision_of_tag

NONE = ("none", "none")


@pytest.mark.parametrize(
    ("tag", "owed"),
    [
        *((tag, NONE) for tag in ("dino", "lvd142m", "lvd1689m", "dinov3_lvd1689m", "mae", "fcmae", "in1k_ijepa")),
        *((tag, ("image labels", "none")) for tag in ("in1k", "augreg_in21k", "sw_in12k", "fb_in22k", "a1h_in1k")),
        *((tag, ("text", "none")) for tag in ("openai", "webli", "laion2b", "datacomp1b_clip", "metaclip2_worldwide")),
        ("mae_in1k_ft_in1k", ("image labels", "none")),  # of a fine-tuned one the strongest word
        ("fcmae_ft_in22k_in1k", ("image labels", "none")),
        ("seer_ft_in1k", ("image labels", "none")),
        ("laion2b_ft_in12k_in1k", ("text", "none")),
        ("clip_laion2b_soup_ft_in1k", ("text", "none")),
        ("mim_in22k", ("none", "text")),  # EVA-02 learns from the features of a CLIP
        ("mim_m38m_ft_in1k", ("image labels", "text")),
        *((tag, None) for tag in ("", "eupe_lvd1689m", "sa1b", "c_radio", "qwen3_vl_4b", "msft_florence2", "bamboo")),
    ],
)  # fmt: skip
def test_a_tag_says_what_labels_a_model_saw(tag, owed):
    assert supervision_of_tag(tag) == owed


def test_every_tag_of_timm_is_judged_and_no_fine_tuned_one_counts_as_free_of_labels():
    tags = {name.partition(".")[2] for name in timm.list_models(pretrained=True)}
    judged = {tag: supervision_of_tag(tag) for tag in tags}
    assert len(tags) > 200
    assert {owed[0] for owed in judged.values() if owed} <= set(SUPERVISION_ORDER)
    free = {tag for tag, owed in judged.items() if owed and owed[0] == "none"}
    assert not {tag for tag in free if "ft" in tag.split("_")} and {"dino", "lvd142m", "mae"} <= free
    assert {tag for tag, owed in judged.items() if owed is None}.isdisjoint(tag for tag in tags if "in1k" in tag)


def test_licences_that_forbid_commercial_use_are_known():
    forbid = {"cc-by-nc-4.0", "fair-noncommercial-research-license", "seer-license", "apple-amlr"}
    assert all(map(is_non_commercial, forbid))
    allow = ("apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0", "dinov3-license", "apple-ascl", "")
    assert not any(map(is_non_commercial, allow))
