"""What Label Studio writes of imported tasks, in its documented format, where each prediction was opened and submitted.

https://labelstud.io/guide/task_format. Its editor writes the id of a region up to the first `#` and keeps `meta`
(`cleanId` and `serialize` of web/libs/editor/src), and combines results of one id to one region when it opens them.
"""

from collections import Counter


def submitted(tasks, *, kept=lambda region: True, meta=True):
    """The tasks as exported after each prediction was submitted; `kept` may change a region, or remove it (False)."""
    return [_task(number, task, kept, meta) for number, task in enumerate(tasks, 1)]


def _task(number, task, kept, meta):
    results = [one for prediction in task["predictions"] for one in prediction["result"]]
    regions = [_region(one, meta) for one in results if kept(one)]
    of_id = Counter(region["id"] for region in regions)
    assert not of_id or max(of_id.values()) == 1, f"Label Studio makes one region of several: {of_id}"
    annotation = {
        "id": 1000 + number,
        "completed_by": 1,
        "result": regions,
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-01-02T10:00:00.000000Z",
        "updated_at": "2026-01-02T10:00:00.000000Z",
        "lead_time": 4.2,
        "result_count": len(regions),
        "task": number,
        "project": 1,
    }
    head = {"id": number, "inner_id": number, "project": 1, "data": task["data"], "meta": {}, "file_upload": None}
    return {**head, "annotations": [annotation], "drafts": [], "predictions": [number], "total_annotations": 1}


def _region(one, meta):
    left_out = () if meta else ("meta",)
    cut = {"id": one["id"].partition("#")[0], "origin": "prediction"}
    return {key: value for key, value in one.items() if key not in left_out} | cut
