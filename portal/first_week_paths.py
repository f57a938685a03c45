"""The steps of a first week, for each role: what to do, and why it matters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from data import approvals, calibration, disputes
from data.tables import Person

NOTHING_THERE = "Nothing waits for this just now. It comes back when something does."


@dataclass(frozen=True)
class Step:
    """One thing to do on a screen. `done_by` names what first_steps.done tells of whoever did it."""

    key: str
    page: str
    icon: str
    right: str  # without it the step is left out: it covers the page and the act
    title: str
    what: str
    why: str
    done_by: tuple[str, ...]
    times: int = 1
    address: Mapping[str, str] = field(default_factory=dict)
    terminal: str = ""  # the same on the command line
    something_there: Callable[[Person], bool] = lambda _person: True  # whether there is anything to do it on


@dataclass(frozen=True)
class Day:
    title: str
    steps: tuple[Step, ...]


def _gold_waits(person: Person) -> bool:
    return calibration.next_item(by=person) is not None


def _something_to_decide(person: Person) -> bool:
    return any(approvals.may_decide(proposal, person) is None for proposal in approvals.waiting(by=person))


def _seen_differently(person: Person) -> bool:
    return bool(disputes.open_ones(by=person))


# -- what several roles do ----------------------------------------------------------------------------------------------------------------

READ = Step(
    "read", "conversations", ":material/forum:", "conversation.read", "Read a conversation",
    "Open one from the list and read it to its end: the customer stands left, people and machines right.",
    "Everything here is made of what customers and we said to each other.",
    ("looked at conversation",),
)  # fmt: skip
THREE = Step(
    "three", "review", ":material/rate_review:", "review.record", "Review three",
    "Say of three short conversations whether the answer was strong or weak, and put the intent right where it is wrong.",
    "What machines may answer tomorrow is decided by what people say today.",
    ("reviewed review",), times=3, address={"queue": "three"},
)  # fmt: skip
TREND = Step(
    "trend", "quality", ":material/monitoring:", "measure.read", "See the trend",
    "Read the three sentences at the top, then click a point: the conversations that it counts open.",
    "A figure that nobody can open is only an opinion.",
    ("looked at quality", "looked at quality person"),  # the second: how it was noted before there was a first week
)  # fmt: skip
DECIDE = Step(
    "decide", "approvals", ":material/how_to_vote:", "proposal.read", "Decide with the evidence",
    "Open a proposal, read what changes for whom and how we know, then say yes, or no with a reason.",
    "Nothing goes live by one person's word; the second one is you.",
    ("approved proposal", "refused proposal", "self-approved proposal"), something_there=_something_to_decide,
)  # fmt: skip
RECORD = Step(
    "record", "audit", ":material/history:", "audit.read", "Read the record",
    "Look up what was done today, by whom, and narrow it to one kind of act.",
    "Whoever asks in a year why something went live finds the answer here.",
    ("looked at audit",),
)  # fmt: skip
OPPORTUNITY = Step(
    "opportunity", "opportunities", ":material/lightbulb:", "opportunity.read", "Read an opportunity",
    "See which kind of request takes people the most minutes a week, and what speaks for it.",
    "The best ideas for automations come from whoever does the work by hand.",
    ("looked at opportunities",),
)  # fmt: skip
MY_WORK = Step(
    "my_work", "my_work", ":material/volunteer_activism:", "work.read", "See what your work changed",
    "Read what became of what you reviewed, flagged and asked.",
    "A judgement that changes nothing is wasted; yours are not, and this shows where they went.",
    ("looked at my_work",),
)  # fmt: skip
JOBS = Step(
    "jobs", "jobs", ":material/pending_actions:", "task.read", "See what runs in the background",
    "Look at what runs, what failed and why, and what can be tried again.",
    "Imports, trainings and runs of sets go on without you; here you see when one does not.",
    ("looked at jobs",),
)  # fmt: skip


# -- a rep --------------------------------------------------------------------------------------------------------------------------------

REP = (
    Day("Read and judge", (READ, THREE)),
    Day("Judge alike, and by the keys", (
        Step(
            "gold", "calibration", ":material/straighten:", "calibration.take", "Take five gold examples",
            "Say what you think of each before you see what two people agreed on.",
            "Machines learn from all of us at once: where two people mean different things, they learn neither.",
            ("answered gold answer",), times=5, something_there=_gold_waits,
        ),
        Step(
            "take_back", "review", ":material/keyboard:", "review.record", "Take one back, by the keys",
            "Review a conversation by the keys (`s`, `w` or `o`, then Enter) and press `u`: it is open again. `?` shows all keys.",
            "Whoever can take a slip back in a second may judge quickly.",
            ("took back review",),
        ),
    )),
    Day("From an example to a test", (
        Step(
            "flag", "review", ":material/flag:", "example.flag", "Flag one, and say why",
            "Hold up a conversation that was answered well or badly (`f`), and say in a sentence what makes it so.",
            "Your sentence tells whoever builds the next version what good means here.",
            ("flagged example", "flagged act"),
        ),
        Step(
            "case", "eval_sets", ":material/fact_check:", "eval_set.freeze", "See it become a test case",
            "Freeze the set in which your example waits, or wait until a colleague does.",
            "From then on each new version is tried on it before it meets a customer.",
            ("became case",),
        ),
    )),
    Day("What we know", (
        Step(
            "ask", "ask", ":material/contact_support:", "knowledge.ask", "Ask what we know",
            "Ask what a customer asked you today, in your own words (`a`, on any page).",
            "The answer quotes our articles, each sentence with its source, or says that they do not cover it.",
            ("asked question",),
        ),
        Step(
            "judge_answer", "ask", ":material/thumb_up:", "knowledge.ask", "Say what came of it",
            "It helped (`y`), it is wrong (`n`), or it is missing (`m`).",
            "What is missing counts towards a gap, and somebody writes the article.",
            ("judged answer",),
        ),
        Step(
            "gaps", "gaps", ":material/unknown_document:", "pattern.read", "See what is missing",
            "Look at the questions that no article covers, by how many ask them.",
            "One article written well answers a question a hundred times.",
            ("looked at gaps",),
        ),
    )),
    Day("What it changed", (MY_WORK, TREND, OPPORTUNITY)),
)  # fmt: skip


# -- a lead -------------------------------------------------------------------------------------------------------------------------------

LEAD = (
    Day("Five minutes on a Monday", (
        TREND,
        Step(
            "digest", "digest", ":material/newspaper:", "measure.read", "Read the digest",
            "Read last week as it was known on Monday; each number leads to its place.",
            "It is what the others have read when you speak about the week.",
            ("looked at digest",),
        ),
        THREE,
    )),
    Day("Deciding", (DECIDE, RECORD)),
    Day("Seeing the same", (
        Step(
            "dispute", "agreement", ":material/balance:", "dispute.settle", "Settle what people see differently",
            "Read a conversation that two people judged differently, decide, and say why.",
            "Your reason becomes a sentence of the guideline, and the next two people agree.",
            ("settled dispute",), something_there=_seen_differently,
        ),
        Step(
            "rubric", "agreement", ":material/rule_settings:", "rubric.change", "Set what reviews ask",
            "Choose the questions that reviews ask, and which share is looked at by two people.",
            "Only what is asked can be measured, and each question costs everybody seconds.",
            ("set rubric",),
        ),
    )),
    Day("Watching", (
        Step(
            "monitor", "monitors", ":material/notifications:", "monitor.change", "Have a measure watched",
            "Choose a measure and how far it may move; you see at once what it would have told in the last 90 days.",
            "You hear of it once, when it moves, and need not look each morning.",
            ("made monitor",), address={"new": "1"},
        ),
        Step(
            "note", "quality", ":material/edit_note:", "note.write", "Write on the timeline what happened",
            "A campaign, a late delivery van, a feast day: one sentence on the day it was.",
            "When somebody asks in a month why a line fell, the answer stands there.",
            ("noted note",),
        ),
        Step(
            "team", "team", ":material/groups:", "team.read", "Look at the team's work",
            "See what is covered by reviews, what waits longest, and how long decisions take.",
            "It is about the work and not about persons: where to look next, and what to unblock.",
            ("looked at team",),
        ),
    )),
    Day("What to build next", (
        OPPORTUNITY,
        Step(
            "use_case", "use_cases", ":material/flag_circle:", "use_case.write", "Begin a use case",
            "Name one problem worth solving, the goal that it serves, and the figure that will tell whether it worked.",
            "Its baseline is measured before anything is built, so that nobody has to guess later.",
            ("began use_case",), address={"begin": "new"},
        ),
    )),
)  # fmt: skip


# -- an engineer --------------------------------------------------------------------------------------------------------------------------

ENGINEER = (
    Day("What customers get", (TREND, THREE)),
    Day("Tests that stay", (
        Step(
            "freeze", "eval_sets", ":material/fact_check:", "eval_set.freeze", "Freeze an eval set",
            "Take the flagged examples of a set into its next version; where none waits, flag one on Review.",
            "A frozen version never changes, so two results on it can be compared.",
            ("froze eval_set",),
        ),
        Step(
            "run", "eval_sets", ":material/play_circle:", "eval.run", "Run what is live on it",
            "Open the set, choose what to run, and watch the cases come in; it goes on without you.",
            "It tells where we stand before anybody changes anything.",
            ("ran set", "had set run", "compared runs"), terminal="portal eval run SET TARGET --by ADDRESS",
        ),
        Step(
            "compare", "runs", ":material/compare_arrows:", "eval.run", "Compare two versions",
            "Put two runs on the same frozen version side by side and open the cases that broke.",
            "The verdict says whether the difference is more than chance, and how many cases it would take to tell.",
            ("compared runs",), terminal="portal eval compare SET CANDIDATE LIVE --by ADDRESS",
        ),
    )),
    Day("What machines learn", (
        Step(
            "train", "classifiers", ":material/model_training:", "classifier.train", "Train a candidate",
            "Have it learn from all reviews; it stays a draft until it was compared, proposed and approved.",
            "Training is cheap here and shipping is not: try as often as you like.",
            ("trained version",), terminal="portal classifier train NAME --by ADDRESS",
        ),
        Step(
            "recipe", "automations", ":material/account_tree:", "automation.draft", "Draft an automation",
            "Begin from a template and try it on conversations of last week; nothing leaves while it is a draft.",
            "You see each step that it would have taken, and what it may not do alone.",
            ("drafted recipe", "copied recipe"),
        ),
    )),
    Day("The ways in and out", (
        Step(
            "token", "account", ":material/key:", "token.propose", "Ask for a token",
            "Propose one on your Account with only what its program needs; an admin approves it.",
            "A program acts as you: the less it may, the less can go wrong.",
            ("proposed issue_token",),
        ),
        Step(
            "dataset", "datasets", ":material/dataset:", "dataset.build", "Build a dataset from a terminal",
            "Write a definition of a few lines and build it; `--by` says that it is you.",
            "It comes with its card and its lineage, and no test case is ever in it.",
            ("built dataset_version",), terminal="portal dataset build FILE --by ADDRESS",
        ),
        Step(
            "file", "conversations", ":material/download:", "conversation.export", "Take a list out as a file",
            "Narrow the list of conversations and download it as CSV, personal data masked.",
            "It goes by a link that works once, and the record says who took what.",
            ("listed conversations",),
        ),
    )),
    Day("What was done, and by what", (replace(RECORD, terminal="portal audit verify"), JOBS, MY_WORK)),
)  # fmt: skip


# -- an admin -----------------------------------------------------------------------------------------------------------------------------

ADMIN = (
    Day("Who works here", (
        Step(
            "people", "people", ":material/group:", "person.add", "See who works here",
            "Look through people, their roles and teams, and how each of them signs in.",
            "An account that nobody uses is a way in that nobody watches.",
            ("looked at people",),
        ),
        Step(
            "rights", "rights", ":material/rule:", "person.read", "Read who may do what",
            "One table says it for every role; the code asks the same table.",
            "You need not remember it, and nobody has to believe you.",
            ("looked at rights",),
        ),
    )),
    Day("Deciding", (DECIDE, RECORD)),
    Day("Keeping it safe", (
        Step(
            "installation", "installation", ":material/dns:", "backup.make", "Look at the installation",
            "See what it is connected with, and what it says of its own health.",
            "What is not connected is not broken, but somebody may wait for it.",
            ("looked at installation",),
        ),
        Step(
            "backup", "installation", ":material/backup:", "backup.make", "Make a backup",
            "Make one while people work; keep the key in `secrets/` apart from it.",
            "The first backup should not be made on the day on which it is needed.",
            ("backed up backup",),
        ),
        JOBS,
    )),
    Day("What is watched", (
        TREND,
        Step(
            "monitors", "monitors", ":material/notifications:", "monitor.read", "See what is watched",
            "Look at which measures are watched, for whom, and what was found.",
            "If nobody is told of it, nobody sees to it.",
            ("looked at monitors",),
        ),
    )),
    Day("What machines may do", (
        Step(
            "policy", "policy", ":material/policy:", "automation.read", "Read the policy",
            "See, intent by intent, what machines may do alone, may propose, and may never touch.",
            "When somebody wants it looser, you are one of those who decide.",
            ("looked at policy",),
        ),
        Step(
            "use_cases", "use_cases", ":material/flag_circle:", "use_case.read", "See what is being built",
            "Look at the use cases under way, and what each still lacks before its next stage.",
            "You know then what people will ask you for next week.",
            ("looked at use_cases",),
        ),
    )),
)  # fmt: skip

PATHS: dict[str, tuple[Day, ...]] = {"rep": REP, "lead": LEAD, "engineer": ENGINEER, "admin": ADMIN}
