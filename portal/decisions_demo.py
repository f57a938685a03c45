"""A year of decisions at Ferngrove before its conversations came here: proposed, and approved, refused, given up or forgotten.

What is in force at the end is what was before: limits end where they began, tokens ran out, articles are older versions of what is brought.
What came to nothing lies in the first half, so that the last ones that Approvals lists were carried out.
"""

import heapq
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

from automations import limits
from data import approvals, people, settings, surfaces, tokens
from data.tables import Person, Proposal
from data.values import Target, drawn_ids
from knowledge import ARTICLE, articles
from knowledge import demo as knowledge_demo
from knowledge.articles import Content
from portal.ferngrove.knowledge import ARTICLES, ArticleText

LASTS = timedelta(days=272)  # with the twelve weeks that follow a year
SEED = 12
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
YES, NO, GIVEN_UP, FORGOTTEN = "yes", "no", "given up", "forgotten"
Propose = Callable[[datetime], Proposal]
CarryOut = Callable[[str, datetime], object]


@dataclass(frozen=True)
class Asked:
    """When, how long until it was decided, and what it came to; the sentence that was given with a no."""

    day: int
    hours: float
    came_to: str = YES
    because: str = ""


# article, which of its former versions, who wrote and proposed it, who decided
WRITTEN: tuple[tuple[str, int, str, str, str, Asked], ...] = (
    ("where-is-my-order", 0, "Birgit Lund", "Marco Silva", "It is asked every day.", Asked(3, 5)),
    ("who-is-writing", 0, "Greta Vogel", "Lena Hoffmann", "New reps look for it.", Asked(9, 30)),
    ("reply-late-parcel", 0, "Alma Berger", "Marco Silva", "It was only in my notes.", Asked(14, 2)),
    ("parcels-held-for-the-weather", 0, "Elif Kaya", "Nora Engel", "Customers quote the old mail.",
     Asked(22, 51, NO, "It promises a date. Say what we know instead.")),
    ("parcels-held-for-the-weather", 1, "Elif Kaya", "Nora Engel", "Without the date now.", Asked(26, 8)),
    ("pause-or-skip-the-greenbox", 0, "Cem Aydin", "Marco Silva", "Asked twelve times last week.", Asked(37, 19)),
    ("something-is-missing", 0, "Isla Murray", "Lena Hoffmann", "It saves a call each time.", Asked(45, 70)),
    ("return-label-and-drop-off", 0, "Birgit Lund", "Marco Silva", "The old page named a courier that we left.", Asked(58, 3)),
    ("where-is-my-order", 1, "Alma Berger", "Marco Silva", "One step was missing.", Asked(66, 26)),
    ("i-cannot-sign-in", 0, "Finn Hansen", "Lena Hoffmann", "The app looks otherwise now.", Asked(80, 0, FORGOTTEN)),
    ("i-cannot-sign-in", 1, "Finn Hansen", "Lena Hoffmann", "The same again, nobody had time then.", Asked(97, 11)),
    ("discount-codes", 0, "Dario Rossi", "Nora Engel", "For codes that are given as gifts.", Asked(106, 45)),
    ("reply-late-parcel", 1, "Elif Kaya", "Marco Silva", "It says it twice, so that it is read.",
     Asked(118, 33, NO, "Once is enough, and kinder.")),
    ("charged-twice", 0, "Henrik Olsen", "Lena Hoffmann", "Two customers were told otherwise.", Asked(127, 6)),
    ("yellow-leaves-and-brown-tips", 0, "Birgit Lund", "Marco Silva", "Asked each Monday.", Asked(140, 120)),
    ("something-is-missing", 1, "Greta Vogel", "Lena Hoffmann", "The form has another name.", Asked(153, 14)),
    ("watering-house-plants", 0, "Alma Berger", "Marco Silva", "For the campaign.", Asked(116, 9, GIVEN_UP, "The campaign was put off.")),
    ("watering-house-plants", 1, "Alma Berger", "Marco Silva", "The campaign begins next week.", Asked(130, 4)),
    ("return-label-and-drop-off", 1, "Cem Aydin", "Nora Engel", "The courier's hours changed.", Asked(194, 22)),
    ("charged-twice", 1, "Henrik Olsen", "Lena Hoffmann", "The bank's days were missing.", Asked(203, 18)),
    ("exchange-for-another-size-or-colour", 0, "Jakub Nowak", "Lena Hoffmann", "Nothing was written about it.", Asked(208, 38)),
    ("who-is-writing", 1, "Birgit Lund", "Marco Silva", "Said more clearly.", Asked(221, 7)),
    ("discount-codes", 1, "Dario Rossi", "Marco Silva", "Its limit is gone.", Asked(236, 90)),
    ("reply-your-refund-is-on-its-way", 0, "Isla Murray", "Lena Hoffmann", "It was only in the wiki.", Asked(250, 16)),
    ("yellow-leaves-and-brown-tips", 1, "Elif Kaya", "Nora Engel", "A picture said what words should.", Asked(262, 28)),
)  # fmt: skip
# money above which two decide (0: no such limit), over so many days; who proposed it
LIMITS: tuple[tuple[int, int, str, str, str, Asked], ...] = (
    (150, 30, "Lena Hoffmann", "Otto Braun", "Vouchers are given by hand. Nobody sees what one customer gets in all.", Asked(12, 4)),
    (300, 30, "Marco Silva", "Nora Engel", "In the weeks of the sale refunds come together.", Asked(31, 27)),
    (500, 30, "Marco Silva", "Otto Braun", "Two large orders went wrong.",
     Asked(38, 52, NO, "Two cases are no reason. Two people look quickly.")),
    (150, 30, "Lena Hoffmann", "Nora Engel", "The sale is over.", Asked(52, 75)),
    (120, 45, "Lena Hoffmann", "Otto Braun", "What is given comes in two halves, six weeks apart.", Asked(88, 9)),
    (80, 45, "Lena Hoffmann", "Nora Engel", "To see whether less does.",
     Asked(100, 30, GIVEN_UP, "We look at this quarter's figures first.")),
    (200, 45, "Marco Silva", "Otto Braun", "Fern's orders are larger.", Asked(109, 0, FORGOTTEN)),
    (200, 60, "Marco Silva", "Nora Engel", "Fern's orders are larger; asked again.", Asked(131, 33)),
    (100, 60, "Lena Hoffmann", "Otto Braun", "Of forty above a hundred none was needed.", Asked(160, 12)),
    (80, 60, "Lena Hoffmann", "Otto Braun", "The quarter's figures say so.", Asked(215, 6)),
    (0, 0, "Nora Engel", "Otto Braun", "The policy is being written anew; until then each case is looked at by two.", Asked(258, 21)),
)  # fmt: skip
TOKENS: tuple[tuple[str, str, int, str, str, Asked], ...] = (
    ("Figures for the board", "monitor", 30, "Otto Braun", "Once a quarter, and no figure is typed by hand.", Asked(7, 3)),
    ("Old warehouse export", "export", 60, "Paula Wirth", "Until the new one stands.", Asked(19, 46)),
    ("Trial of a call centre", "ingest", 30, "Otto Braun", "They want to send calls for a month.",
     Asked(41, 29, NO, "There is no contract with them yet.")),
    ("Trial of a call centre", "ingest", 30, "Otto Braun", "The contract is signed.", Asked(62, 5)),
    ("Load test", "classify", 7, "Paula Wirth", "A thousand texts, on a Sunday.", Asked(77, 1)),
    ("Load test", "read", 7, "Paula Wirth", "To compare.", Asked(84, 2, GIVEN_UP, "One token is enough.")),
    ("Figures for the board", "monitor", 30, "Paula Wirth", "The next quarter.", Asked(95, 24)),
    ("Chat of the garden fair", "ingest", 14, "Otto Braun", "Two weeks, once.", Asked(135, 8)),
    ("Reading for a student", "read", 90, "Paula Wirth", "A thesis on short answers.",
     Asked(118, 98, NO, "Conversations do not leave the house, also masked.")),
    ("Figures for the board", "monitor", 30, "Otto Braun", "The next quarter.", Asked(187, 40)),
    ("Test of the new help desk", "ingest", 30, "Otto Braun", "Before we move.", Asked(229, 17)),
    ("Test of the new help desk", "read", 30, "Paula Wirth", "To compare what arrived.", Asked(238, 26)),
)  # fmt: skip
ROLES: tuple[tuple[str, str, str, Asked], ...] = (
    ("Greta Vogel", "lead", "Marco is away for six weeks.", Asked(48, 20, NO, "A deputy for six weeks does; Marco names her.")),
    ("Cem Aydin", "lead", "He looks after the articles already.", Asked(115, 0, FORGOTTEN)),
    ("Isla Murray", "lead", "Fern grows.", Asked(92, 60, NO, "Let us talk again when the second shift begins.")),
    ("Nora Engel", "admin", "Otto and Paula are away in the same week.", Asked(128, 10, GIVEN_UP, "Paula stays here.")),
)
CONNECTIONS: tuple[tuple[str, str, Asked], ...] = (
    ("follow the help desk of the old shop", "Its last customers still write there.", Asked(29, 110, NO, "It is switched off next month.")),
    ("send mail through the shop's server", "Ours was slow for a day.", Asked(71, 6, GIVEN_UP, "It was the network.")),
    ("send mail through a new provider", "It says what arrived.", Asked(110, 0, FORGOTTEN)),
    ("follow the help desk of the garden fair", "Its questions are ours.", Asked(126, 35, NO, "They come by token, which ends by itself.")),
)
PAGES: tuple[tuple[str, str, Asked], ...] = (
    ("Clearance sale", "Whoever looks at it asks about delivery.", Asked(102, 55, NO, "Not before somebody answers in the evening.")),
    ("Garden fair", "Two weeks, once.", Asked(124, 31, GIVEN_UP, "The fair has a chat of its own.")),
)


class _Year:
    """What happens, in order of time: a decision may come long after others were proposed."""

    def __init__(self, staff: Mapping[str, Person], begins: datetime) -> None:
        self.staff, self._begins = staff, begins
        self._places = count()
        self._waiting: list[tuple[datetime, int, Callable[[datetime], None]]] = []

    def ask(self, asked: Asked, propose: Propose, *, by: str, decides: str, carry_out: CarryOut | None = None) -> None:
        def begin(at: datetime) -> None:
            made = propose(at)
            later = approvals.WAITS + HOUR if asked.came_to == FORGOTTEN else asked.hours * HOUR
            self._put(at + later, lambda then: self._decide(made, asked, by, decides, carry_out, then))

        self._put(self._begins + asked.day * DAY + 9 * HOUR, begin)

    def _put(self, at: datetime, act: Callable[[datetime], None]) -> None:
        heapq.heappush(self._waiting, (at, next(self._places), act))

    def _decide(self, made: Proposal, asked: Asked, by: str, decides: str, carry_out: CarryOut | None, at: datetime) -> None:
        if asked.came_to == FORGOTTEN:
            approvals.lapse_old(at=at)
        elif asked.came_to == GIVEN_UP:
            approvals.withdraw(made.id, by=self.staff[by], why=asked.because, at=at)
        elif asked.came_to == NO:
            approvals.refuse(made.id, by=self.staff[decides], why=asked.because, at=at)
        else:
            approvals.approve(made.id, by=self.staff[decides], at=at)
            if carry_out is not None:
                carry_out(made.id, at + MINUTE)
            knowledge_demo.carried_out(at + 2 * MINUTE)

    def live_through(self) -> None:
        while self._waiting:
            at, _, act = heapq.heappop(self._waiting)
            act(at)


def fill(staff: Mapping[str, Person], *, begins: datetime) -> None:
    """Called once people work there and before anything else; the last decision is made LASTS later."""
    with drawn_ids(begins, SEED):  # of its own, so that what follows of the story stays as it is
        year = _Year(staff, begins)
        rng, now_so = random.Random(SEED), {one.slug: one for one in ARTICLES}
        for which, number, author, decides, why, asked in WRITTEN:
            _article(year, _spread(asked, rng), now_so[which], number, author, decides, why)
        for money, days, proposer, decides, why, asked in LIMITS:
            _limit(year, _spread(asked, rng), money, days, proposer, decides, why)
        for name, scope, lasts, decides, why, asked in TOKENS:
            _token(year, _spread(asked, rng), name, scope, lasts, decides, why)
        for name, role, why, asked in ROLES:
            _role(year, _spread(asked, rng), name, role, why)
        for title, why, asked in CONNECTIONS:
            _connection(year, asked, title, why)
        for name, why, asked in PAGES:
            _page(year, asked, name, why)
        year.live_through()


def _spread(asked: Asked, rng: random.Random) -> Asked:
    """Nobody decides on the full hour."""
    return replace(asked, hours=asked.hours + rng.uniform(-0.4, 0.4)) if asked.hours else asked


# -- each kind ----------------------------------------------------------------------------------------------------------------------------


def _article(year: _Year, asked: Asked, article: ArticleText, number: int, author: str, decides: str, why: str) -> None:
    by = year.staff[author]
    told = {name: value for name, value in vars(article).items() if name != "slug"} | {"text": _earlier(article.text, number)}

    def propose(at: datetime) -> Proposal:
        written, known = at - 2 * HOUR, articles.get(article.slug, by=by)
        if known is None:
            newest = articles.draft(Content(**told), slug=article.slug, by=by, at=written).newest
        else:
            newest = articles.save(article.slug, Content(**told), based_on=known.newest, by=by, at=written).target_number
        return articles.propose([Target(ARTICLE, article.slug, newest)], why=why, by=by, at=at)

    year.ask(asked, propose, by=author, decides=decides, carry_out=lambda made, at: articles.publish(made, at=at))


def _earlier(text: str, number: int) -> str:
    """As it was before: its first half, then all but its end. No heading stands alone."""
    parts = text.split("\n\n")
    kept = parts[: len(parts) // 2 if number == 0 else len(parts) - 1]
    while len(kept) > 1 and kept[-1].startswith("#"):
        kept.pop()
    return "\n\n".join(kept)


def _limit(year: _Year, asked: Asked, money: int, days: int, proposer: str, decides: str, why: str) -> None:
    by = year.staff[proposer]

    def propose(at: datetime) -> Proposal:
        if not money:
            return limits.propose_none(why=why, by=by, at=at)
        return limits.propose(Decimal(money), "EUR", days, why=why, by=by, at=at)

    year.ask(asked, propose, by=proposer, decides=decides, carry_out=lambda made, at: settings.carry_out(made, limits.KIND, at=at))


def _token(year: _Year, asked: Asked, name: str, scope: str, lasts: int, decides: str, why: str) -> None:
    nora = year.staff["Nora Engel"]
    year.ask(
        asked, lambda at: tokens.propose(name, [scope], why=why, by=nora, days=lasts, at=at)[0], by=nora.name, decides=decides,
        carry_out=lambda made, at: tokens.issue_approved(made, at=at),
    )  # fmt: skip


def _role(year: _Year, asked: Asked, name: str, role: str, why: str) -> None:
    otto, whom = year.staff["Otto Braun"], year.staff[name].id
    year.ask(asked, lambda at: people.propose_role(whom, role, why=why, by=otto, at=at), by=otto.name, decides="Paula Wirth")


def _connection(year: _Year, asked: Asked, title: str, why: str) -> None:
    """None of them came into force, so it hangs on nothing what they name."""
    nora, told = year.staff["Nora Engel"], "Nothing is sent or fetched before an admin said yes."
    year.ask(
        asked, lambda at: settings.propose_connection("put_off", {"title": title}, title, told, why, nora, at=at), by=nora.name,
        decides="Otto Braun",
    )  # fmt: skip


def _page(year: _Year, asked: Asked, name: str, why: str) -> None:
    nora, address = year.staff["Nora Engel"], f"https://{name.lower().replace(' ', '-')}.ferngrove.example"
    year.ask(asked, lambda at: surfaces.propose(name, [address], why=why, by=nora, days=60, at=at)[0], by=nora.name, decides="Paula Wirth")
