"""The table of verbs: jobs, the command line, the pages' forms and the reference all read it. Imports no torch."""

from __future__ import annotations

from comus_core.verbs.table import VERBS, verb_named
from comus_core.verbs.verb import STAGE_WORDS, Stage, SubjectKind, Verb

__all__ = ["STAGE_WORDS", "VERBS", "Stage", "SubjectKind", "Verb", "verb_named"]
