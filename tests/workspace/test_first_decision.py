"""The first decision of a process that begins on a log of many, which goes on from what is stored."""

from comus_core.workspace import open_workspace
from comus_core.workspace.decision_log import DecisionLog
from comus_core.workspace.decisions import replay
from comus_core.workspace.layered import GONE, LayeredMap
from tests.workspace.test_decision_log import split_payload

PROPOSALS = 50_000  # that 100,000 decisions are about
SINCE = 399  # decisions after the large ones


def test_the_first_decision_of_a_process_amounts_to_a_replay_of_the_whole_log(tmp_path):
    log = open_workspace(tmp_path).decisions
    ids = [f"2007_{n:06d}#0" for n in range(PROPOSALS)]
    log.append("r", "c", "split", **split_payload(0, [80], ids))
    log.append("r", "c", "accept", proposals=ids[:16_000])
    log.append_all("r", "c", lambda _: [decision(ids, n) for n in range(SINCE)])
    DecisionLog(log.database).append("r", "c", "rename", cluster=1, name="x")
    assert DecisionLog(log.database).read("r", "c") == replay(log.events("r", "c"))


def decision(ids, number):
    """Every tenth a split of 40 proposals; the others on one."""
    if number % 10 == 9:
        return "split", split_payload(0, [1_000 + number], [f"new{number}_{n}#0" for n in range(40)])
    return "move", {"proposals": [ids[number]], "category": 2}


def test_entries_come_in_their_order_without_those_that_were_taken_out():
    entries = LayeredMap({n: str(n) for n in range(10_000)})
    changed = entries.changed({7: "seven", 3: GONE, 20_000: "new", 30_000: GONE})
    assert changed._base is entries._base
    wanted = {n: "seven" if n == 7 else str(n) for n in range(10_000) if n != 3} | {20_000: "new"}
    assert changed.plain() == wanted and list(changed) == list(wanted) and len(changed) == 10_000
