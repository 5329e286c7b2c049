"""The verbs, a file each: discover, train, evaluate, compare, predict and the rest."""
