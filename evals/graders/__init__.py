"""One file a grader. A grader looks at what a case expects and at an output, and says whether it passed, and why."""

from types import ModuleType

from evals.graders import exact_label, reply_words, tool_calls

BY_NAME: dict[str, ModuleType] = {grader.NAME: grader for grader in (exact_label, reply_words, tool_calls)}
