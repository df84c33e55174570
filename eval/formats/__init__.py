"""One file a format of test sets and of runs, and what reading them has in common."""
