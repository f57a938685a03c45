"""One file a grader. A grader looks at a case and an output and says whether it passed, and why."""
