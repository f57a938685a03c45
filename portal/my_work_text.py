"""What one's own work changed, in sentences: contributions beside what became of them, and never that the one made the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data import labels, work_rows
from data.measures import percent
from data.values import Target
from data.work_built import Begun, Intent, Ran
from data.work_changed import BUILT, DECIDED, FLAGS, KNOWLEDGE, REVIEWS, Work
from data.work_taught import Learned
from data.work_tested import Failed
from portal import use_case_text, widgets

SHOWN = 3  # versions and runs; the others stand behind "more"
MOST_INTENTS = 5


@dataclass(frozen=True)
class Opens:
    """What a figure of a sentence is made of: things that are listed, or a page of ours."""

    label: str
    key: str = ""
    kind: str = ""
    ids: tuple[str, ...] = ()
    page: str = ""
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Said:
    sentence: str
    opens: tuple[Opens, ...] = ()


@dataclass(frozen=True)
class Block:
    key: str
    title: str
    icon: str
    said: tuple[Said, ...]
    more: tuple[Said, ...] = ()
    note: str = ""


def many(n: int, one: str, several: str = "") -> str:
    """ "1 review", "12 reviews"."""
    return f"{n:,} {one if n == 1 else several or one + 's'}"


def listed(key: str, kind: str, ids: Sequence[str], label: str) -> Opens:
    return Opens(label, key=key, kind=kind, ids=tuple(ids))


def way(label: str, page: str, **query: str) -> Opens:
    return Opens(label, page=page, query=tuple(query.items()))


def these(opens: Sequence[Opens]) -> tuple[Opens, ...]:
    """Without those that would open nothing."""
    return tuple(one for one in opens if one.page or one.ids)


def span(work: Work) -> str:
    return {4: "these 4 weeks", 12: "these 12 weeks", 52: "the last year"}[work.weeks]


def target(told: Target) -> str:
    """As people say it."""
    if told.kind == "classifier":
        return f"version {told.number} of the {told.name} classifier"
    return f"{told.name} {told.number}"


# -- the headline -------------------------------------------------------------------------------------------------------------------------


def headline(work: Work) -> list[str]:
    """One to three sentences: what went furthest, first."""
    told = [*_of_learned(work), *_of_tests(work), *_of_answers(work), *_of_recipes(work), *_of_intents(work)]
    if told:
        return told[:3]
    if work.is_empty:
        return []
    if not work.given:
        return [f"Nothing new of yours stands from {span(work)}. What you gave before still counts below."]
    counts = {kind: sum(week.given[kind] for week in work.by_week) for kind in GIVEN}
    return [f"In {span(work)}: {', '.join(many(n, *GIVEN[kind]) for kind, n in counts.items() if n)}."]


GIVEN = {
    REVIEWS: ("review or example", "reviews and examples"), FLAGS: ("flag", "flags"), KNOWLEDGE: ("word on articles", "words on articles"),
    BUILT: ("thing that you built", "things that you built"), DECIDED: ("proposal made or decided", "proposals made or decided"),
}  # fmt: skip


def _of_learned(work: Work) -> list[str]:
    """Of intents first: they are what everybody's queue and figures stand on."""
    live = sorted((one for one in work.learned if one.is_live), key=lambda one: (one.target.name != labels.INTENT, -one.of))
    if not live:
        return []
    one = live[0]
    came = f"{one.mine:,} of the {one.of:,} conversations that {target(one.target)} learned from came from you"
    if not one.cases or one.before is None:
        return [f"{came}; it is live."]
    return [f"{came}. It is live: right in {one.passed:,} of {one.cases:,} cases, the version before it in {one.before:,}."]


def _of_tests(work: Work) -> list[str]:
    ids = {made for one in work.flags.gates for made in one.example_ids}
    told = [f"What is live was measured on {many(len(ids), 'case')} of yours before it went live."] if ids else []
    stopped = len({one.target for one in work.flags.failed if one.went_no_further})
    return [*told, *([f"{many(stopped, 'candidate')} that failed cases of yours went no further."] if stopped else [])]


def _of_answers(work: Work) -> list[str]:
    n = len(work.knowledge.answers)
    return [f"{many(n, 'answer')} quoted what you wrote."] if n else []


def _of_recipes(work: Work) -> list[str]:
    done = sum(len(one.done) for one in work.recipes)
    return [f"Recipes that you wrote brought {many(done, 'live run')} to their end."] if done else []


def _of_intents(work: Work) -> list[str]:
    n = sum(one.conversations for one in work.intents)
    return [f"{many(n, 'conversation')} {'has' if n == 1 else 'have'} an intent that you named."] if n else []


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# -- kind by kind -------------------------------------------------------------------------------------------------------------------------


def blocks(work: Work) -> list[Block]:
    """Those of which there is something to say."""
    made = (_reviews(work), _flags(work), _knowledge(work), _intents(work), _recipes(work), _use_cases(work), _proposals(work))
    return [one for one in made if one.said]


def _reviews(work: Work) -> Block:
    found, said = work.reviews, []
    if n := len(found.stand):
        stands = "stands" if n == 1 else "stand"
        sentence = f"{many(n, 'review')} of yours {stands} from {span(work)}, {len(found.named):,} with an intent."
        said.append(Said(sentence, these([
            listed("reviews", work_rows.CONVERSATIONS, found.stand, many(n, "review")),
            listed("named", work_rows.CONVERSATIONS, found.named, f"{len(found.named):,} with an intent"),
        ])))  # fmt: skip
    if n := len(found.corrected):
        told = f"In {n:,} of them you corrected the machine's intent."
        said.append(Said(told, (listed("corrected", work_rows.CONVERSATIONS, found.corrected, f"{n:,} corrected"),)))
    if n := len(found.spoke_where_silent):
        told = f"In {n:,} of them you named an intent where the machine had kept silent."
        said.append(Said(told, (listed("silent", work_rows.CONVERSATIONS, found.spoke_where_silent, f"{n:,} named"),)))
    if n := len(found.accepted):
        told = f"You held up {many(n, 'conversation')} as examples for classifiers to learn from."
        said.append(Said(told, (listed("accepted", work_rows.CONVERSATIONS, found.accepted, many(n, "example")),)))
    versions = [_learned(one) for one in work.learned]
    title = "Reviews, and what learned from them"
    return Block("reviews", title, ":material/rate_review:", (*said, *versions[:SHOWN]), tuple(versions[SHOWN:]), NOTE if versions else "")


NOTE = (
    "Others taught these versions too: this tells what you gave and what they were measured at, not that the one made the other. Which of "
    "your conversations a version learned from is worked out again from what had been said by then ('found again'), so the count can "
    "differ from the version's own: what asks word by word what a test asks, for example, was left out when it learned."
)


def _learned(one: Learned) -> Said:
    of_them = "all of them" if one.mine == one.of else f"{one.mine:,} of them"
    told = [f"{_capital(target(one.target))} learned from {one.of:,} conversations, {of_them} yours."]
    if one.corrected:
        told.append(f"In {len(one.corrected):,} of yours you had corrected the machine.")
    told += [*_measured(one), _state(one)]
    key = f"learned-{one.target.name}-{one.target.number}"
    found = f"{one.mine:,} of yours" if one.is_whole else f"{len(one.conversation_ids):,} found again"
    opens = [
        listed(key, work_rows.CONVERSATIONS, one.conversation_ids, found),
        listed(f"{key}-corrected", work_rows.CONVERSATIONS, one.corrected, f"{len(one.corrected):,} corrected"),
        way("Case by case", "runs", comparison=one.comparison_id) if one.comparison_id
        else way("The decision", "approvals", proposal=one.proposal_id) if one.proposal_id
        else way("The classifier", "classifiers", classifier=one.target.name),
    ]  # fmt: skip
    return Said(" ".join(told), these(opens))


def _measured(one: Learned) -> list[str]:
    if not one.cases:
        return []
    right = f"It was right in {one.passed:,} of the {one.cases:,} cases of '{one.set_name}' ({percent(one.passed / one.cases)})"
    if one.before is None:
        return [f"{right}; nothing was live before it."]
    return [f"{right}, the version before it in {one.before:,} ({percent(one.before / one.cases)})."]


def _state(one: Learned) -> str:
    if one.went_live:
        return (
            f"Live since {widgets.day(one.went_live)}."
            if one.is_live
            else f"It went live on {widgets.day(one.went_live)}; another followed it."
        )
    if one.waits:
        return "It waits for a decision."
    return "It is not live." if one.proposal_id else "Nobody has proposed it yet."


def _flags(work: Work) -> Block:
    found, said = work.flags, []
    if n := len(found.flagged):
        became, wait = len(found.became_cases), len(found.wait)
        came = f"{many(became, 'case')} came of them" if became else "none is a case yet"
        waiting = f", {wait:,} {'waits' if wait == 1 else 'wait'} for a set to be frozen" if wait else ""
        said.append(
            Said(
                f"You flagged {many(n, 'conversation')} in {span(work)}: {came}{waiting}.",
                these([
                    listed("flagged", work_rows.FLAGS, found.flagged, many(n, "flag")),
                    listed("cases", work_rows.FLAGS, found.became_cases, many(became, "case")),
                    listed("wait", work_rows.FLAGS, found.wait, f"{wait:,} waiting"),
                ]),
            )
        )  # fmt: skip
    gates = {
        (one.set_id, one.number): [target(gate.target) for gate in found.gates if (gate.set_id, gate.number) == (one.set_id, one.number)]
        for one in found.gates
    }
    for one in found.sets:
        mine = many(len(one.example_ids), "case")
        live = gates.pop((one.set_id, one.number), [])
        passed = (
            f" {_capital(' and '.join(live))} {'was' if len(live) == 1 else 'were'} measured on them before going live." if live else ""
        )
        of_all = f"All {mine}" if len(one.example_ids) == one.cases > 1 else f"{mine} of the {one.cases:,}"
        told = f"{of_all} in '{one.name}' {one.number} {'is' if len(one.example_ids) == 1 else 'are'} yours.{passed}"
        opens = (listed(f"set-{one.set_id}", work_rows.FLAGS, one.example_ids, mine), way("The set", "eval_sets", set=one.set_id))
        said.append(Said(told, opens))
    for gate in found.gates:
        if (gate.set_id, gate.number) in gates:
            mine = many(len(gate.example_ids), "case")
            told = f"{_capital(target(gate.target))} was measured on '{gate.name}' {gate.number} before it went live, {mine} of it yours."
            said.append(Said(told, (listed(f"gate-{gate.target.kind}-{gate.target.name}", work_rows.FLAGS, gate.example_ids, mine),)))
    runs = [_failed(one) for one in found.failed]
    if runs:
        stopped = len({one.target for one in found.failed if one.went_no_further})
        further = f" {many(stopped, 'candidate')} of these went no further." if stopped else ""
        said.append(Said(f"In {many(len(runs), 'run')} of {span(work)} a candidate failed cases of yours.{further}"))
    return Block("flags", "Flags, and what they test", ":material/flag:", tuple(said), tuple(runs))


def _failed(one: Failed) -> Said:
    n = len(one.example_ids)
    further = "; it went no further" if one.went_no_further else ""
    told = f"{widgets.day(one.at)}: {target(one.target)} failed {many(n, 'case')} of yours{further}."
    return Said(
        told, (listed(f"failed-{one.run_id}", work_rows.FLAGS, one.example_ids, many(n, "case")), way("The run", "runs", run=one.run_id))
    )


def _knowledge(work: Work) -> Block:
    found, said = work.knowledge, []
    if found.drafted or found.published:
        drafted, live = len(found.drafted), len(found.published)
        went = f"{live:,} of yours went live" if live else "none of yours went live"
        told = f"You wrote {many(drafted, 'version')} of articles in {span(work)}; {went}."
        written, published = ([f"{one.slug} {one.number}" for one in those] for those in (found.drafted, found.published))
        opens = (
            listed("written", work_rows.ARTICLES, written, f"{drafted:,} written"),
            listed("published", work_rows.ARTICLES, published, f"{live:,} live"),
        )
        said.append(Said(told, these(opens)))
    if n := len(found.answers):
        helped = len(found.helped)
        people_ = f" Of {helped:,} of them, {many(found.helped_people, 'colleague')} said that it helped." if helped else ""
        quoted = [
            listed("answers", work_rows.ANSWERS, found.answers, many(n, "answer")),
            listed("helped", work_rows.ANSWERS, found.helped, f"{helped:,} that helped"),
        ]
        said.append(Said(f"{many(n, 'answer')} of {span(work)} quoted what you wrote.{people_}", these(quoted)))
    if n := len(found.reported):
        told = f"Of {many(n, 'answer')} you said that something is missing in what we know."
        said.append(Said(told, (listed("reported", work_rows.ANSWERS, found.reported, many(n, "answer")),)))
    if n := len(found.closed):
        told = f"{many(n, 'gap')} that you reported or wrote for {'is' if n == 1 else 'are'} covered by an article now."
        said.append(
            Said(told, tuple(way("The gap" if n == 1 else f"Gap {place}", "gaps", gap=one) for place, one in enumerate(found.closed, 1)))
        )
    return Block("knowledge", "Knowledge", ":material/menu_book:", tuple(said))


def _intents(work: Work) -> Block:
    said = [_intent(one) for one in sorted(work.intents, key=lambda one: (-one.conversations, one.name))]
    return Block("intents", "Intents that you named", ":material/bubble_chart:", tuple(said[:MOST_INTENTS]), tuple(said[MOST_INTENTS:]))


def _intent(one: Intent) -> Said:
    named = f"'{one.name}', which you named for the pattern '{one.pattern}'" if one.pattern else f"'{one.name}'"
    told = f"{named}: {many(one.conversations, 'conversation')} since {widgets.day(one.at)}."
    if not one.conversations:
        return Said(told)
    words = f'intent:"{one.name}"'
    return Said(told, (way(many(one.conversations, "conversation"), "conversations", words=words, since=one.at.isoformat()),))


def _recipes(work: Work) -> Block:
    return Block("recipes", "Recipes that you wrote", ":material/account_tree:", tuple(_ran(one, work) for one in work.recipes))


def _ran(one: Ran, work: Work) -> Said:
    if not one.runs:
        return Said(f"'{one.name}': no live run in {span(work)}.", (way("The recipe", "automations", recipe=one.name),))
    told = [f"'{one.name}': {many(len(one.runs), 'live run')} in {span(work)}; {len(one.done):,} came to their end"]
    told[0] += f", {len(one.handed_over):,} went to a person." if one.handed_over else "."
    if one.taken:
        told.append(f"People sent {many(len(one.taken), 'reply', 'replies')} that it suggested, some in better words.")
    if one.resolved:
        told.append(f"{many(one.resolved, 'conversation')} that it brought to an end {'is' if one.resolved == 1 else 'are'} resolved.")
    opens = [
        listed(f"runs-{one.name}", work_rows.RUNS, one.runs, many(len(one.runs), "run")),
        listed(f"done-{one.name}", work_rows.RUNS, one.done, f"{len(one.done):,} ended"),
        listed(f"handed-{one.name}", work_rows.RUNS, one.handed_over, f"{len(one.handed_over):,} handed over"),
        listed(f"taken-{one.name}", work_rows.RUNS, one.taken, f"{len(one.taken):,} sent"),
    ]
    return Said(" ".join(told), these(opens))


def _use_cases(work: Work) -> Block:
    said = [
        Said(
            f"'{one.name}', begun on {widgets.day(one.at)}, {_stage(one)}.",
            (way("The use case", "use_cases", case=one.id),),
        )
        for one in work.use_cases
    ]
    return Block("use_cases", "Use cases that you began", ":material/flag_circle:", tuple(said))


def _stage(one: Begun) -> str:
    return "stopped since" if one.stopped else f"now at the stage '{use_case_text.TITLES[one.stage]}'"


def _proposals(work: Work) -> Block:
    found, said = work.proposals, []
    if n := len(found.all):
        told = ", ".join(f"{len(ids):,} {_state_words(state, len(ids))}" for state, ids in found.by_state.items())
        opens = tuple(
            listed(f"proposals-{state}", work_rows.PROPOSALS, ids, f"{len(ids):,} {_state_words(state, len(ids))}")
            for state, ids in found.by_state.items()
        )
        said.append(Said(f"You proposed {many(n, 'change')} in {span(work)}: {told}.", opens))
    if n := len(found.decided):
        told = f"You decided on {many(n, 'proposal')} of others."
        said.append(Said(told, (listed("decided", work_rows.PROPOSALS, found.decided, many(n, "decision")),)))
    return Block("proposals", "Proposals", ":material/how_to_vote:", tuple(said))


def _state_words(state: str, n: int) -> str:
    words = work_rows.STATES.get(state, state)
    return "wait" if state == "open" and n != 1 else words


# -- for programs -------------------------------------------------------------------------------------------------------------------------


def as_json(work: Work, *, with_ids: bool = False) -> dict[str, Any]:
    """The same figures, each with its sentence; with the ids of what it is made of if they are asked for."""
    return {
        "weeks": work.weeks, "since": work.since.isoformat(), "until": work.until.isoformat(), "headline": headline(work),
        "by_week": [{"week": _day(one.starts), **one.given} for one in work.by_week],
        "went_live": [
            {"kind": one.target.kind, "name": one.target.name, "number": one.target.number, "at": one.at.isoformat(), "wrote": one.wrote}
            for one in work.live
        ],
        "parts": [
            {
                "part": block.key, "title": block.title,
                "findings": [
                    {"sentence": said.sentence, "figures": [_figure(one, with_ids) for one in said.opens if one.key]}
                    for said in (*block.said, *block.more)
                ],
            }
            for block in blocks(work)
        ],
    }  # fmt: skip


def _figure(one: Opens, with_ids: bool) -> dict[str, Any]:
    return {"figure": one.key, "kind": one.kind, "n": len(one.ids)} | ({"ids": list(one.ids)} if with_ids else {})


def _day(moment: datetime) -> str:
    return widgets.local(moment).date().isoformat()


def lines(work: Work) -> list[str]:
    """For the command line."""
    if work.is_empty:
        return [f"Nothing of yours stands from {span(work)} yet. It begins with one review."]
    told = headline(work)
    for block in blocks(work):
        told += ["", block.title, *(f"- {said.sentence}" for said in (*block.said, *block.more)), *([block.note] if block.note else [])]
    return told
