"""Contains: says every fact that it must, and none that it must not. Compared by words and numbers, so '30 days' is not in '300 days'."""

from evals.graders import said
from evals.graders.face import Asked, Grade, Output
from evals.graders.tokens import holds
from evals.graders.values import cut

NAME, NUMBER = "contains", 1
PERSON_WROTE, LIVE = True, False
NEEDS = ("facts",)


def grade(case: Asked, output: Output | None) -> Grade:
    if not (reply := said.reply(output)):
        return said.nothing()
    must, must_not = (case.expected["facts"].get(name) or [] for name in ("must", "must_not"))
    lacking = [fact for fact in must if not holds(reply, fact)]
    forbidden = [fact for fact in must_not if holds(reply, fact)]
    wrong = len(lacking) + len(forbidden)
    told = [part for part in (lacking and f"does not say {listed(lacking)}", forbidden and f"says {listed(forbidden)}") if part]
    return Grade(1 - wrong / max(1, len(must) + len(must_not)), not wrong, ", and ".join(map(str, told)) or "says what it must")


def listed(facts: list[str], last: str = "and") -> str:
    """'a', 'b' and 3 more"""
    shown = [f"'{cut(fact)}'" for fact in facts[:3]] + ([f"{len(facts) - 3} more"] if len(facts) > 3 else [])
    return f" {last} ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
