"""The demo: the fictional company Ferngrove, a year of its decisions and its last 90 days, each folder's part by its own demo.py.

It goes through time in stretches that end with a release, so that each conversation was predicted by what was live when it came in.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from automations import demo as automations_demo
from automations import opportunities
from classifiers import demo as classifiers_demo
from data import daily, encoding, measures, notes, store
from data import demo as data_demo
from data.demo import Company, Judgement
from data.tables import EvalSet, Label
from data.trends import Slice
from data.values import drawn_ids, now
from evals import brief, demo_monitors, digest, freezing
from evals import demo as evals_demo
from evals.demo import Flag
from knowledge import articles
from knowledge import demo as knowledge_demo
from knowledge.articles import Content
from portal import catalog, coaching_demo, decisions_demo, feedback_demo, shopkeeping, use_case_demo
from portal.ferngrove import helpdesk as intake_demo
from portal.ferngrove import knowledge, orders, story
from portal.ferngrove.knowledge import ARTICLES, MISSED, QUESTIONS, ArticleText
from portal.ferngrove.phrases import INTENTS, NEW_PATTERN
from portal.ferngrove.story import Told

STRETCHES = (3, 6, 11)  # weeks after which a candidate went live: the three releases
WATCHED_FROM = timedelta(weeks=4)  # after the first; monitors need weeks to compare with
ASKED_TWICE_FROM = 2  # the stretch from which on some conversations are looked at by two people
REVIEWED = 0.4  # share of conversations that somebody reviewed
MISTAKEN = 0.03  # share of reviews with a wrong intent: people err too
MONEY = ("refund_not_received", "charged_twice", "payment_declined", "discount_code", "gift_card", "invoice_copy")
RUN_ON = ("where_is_my_order", "late_delivery", "complaint", "refund_not_received")  # what the released recipes are for
SHOWN_TO_IT = 190  # examples of each answer
REPLIES_COMPARED, QUESTIONS_ASKED, ASKED_ANEW = 24, 6, 30  # of each matter, and of all: the first night of a portal looks at more
FLAGS_A_STRETCH, FLAGS_WAITING = 80, 12
ANSWERS_A_STRETCH, ANSWERS_WAITING = 14, 5


@dataclass(frozen=True)
class Ferngrove:
    company: Company
    labels: dict[str, Label]  # by the phrases' key
    eval_set: EvalSet
    answers: EvalSet
    told: dict[str, Told] = field(default_factory=dict)  # what each conversation is really about, by its id
    ended: list[datetime] = field(default_factory=list)  # the stretches that were lived through
    sent: list[dict[str, Any]] = field(default_factory=list)  # the last conversations that came, as the help desk wrote them

    @property
    def rng(self) -> random.Random:
        return self.company.rng


def build(*, conversations_wanted: int = 6000, until: datetime | None = None, seed: int = 7) -> None:
    """Fill an empty portal: all of it, or nothing if it is cut off. What it tells is the same on each day of a week, up to that day."""
    until = until or now()
    start = measures.week_of(until - timedelta(weeks=12))
    with drawn_ids(measures.week_of(until), seed):
        _fill(start, until, conversations_wanted, seed)


def _fill(start: datetime, until: datetime, conversations_wanted: int, seed: int) -> None:
    with store.writing():
        ferngrove = _found(random.Random(seed), start - timedelta(days=1))
        told = story.quarter(ferngrove.rng, start=start, until=until, count=conversations_wanted)
        _promise_too_much(ferngrove, start + timedelta(weeks=story.DIP_WEEK - 1))
        ends = [start + timedelta(weeks=weeks, days=-3, hours=15, minutes=40) for weeks in STRETCHES]  # Fridays, 15:40
        for place, (begin, end) in enumerate(zip([start, *ends], [*ends, until], strict=True)):
            if place == ASKED_TWICE_FROM:
                data_demo.ask_twice(ferngrove.company, begin)
            _live_through(ferngrove, [one for one in told if begin <= one.opened_at < end], end, is_last=end == until)
        _govern(ferngrove, until)
        orders.fill(ferngrove.told, at=until)
        _automate(ferngrove, until)
    _run_recipes(ferngrove, until)
    daily.bring_up_to_date()  # else the worker would be busy with three months when the first person comes
    _watch_over(ferngrove, start, until)


def _watch_over(ferngrove: Ferngrove, start: datetime, until: datetime) -> None:
    """What the portal would have said on the way: its monitors, the digests of the week that went wrong and of the last ones, and today."""
    lena, nora = (ferngrove.company.staff[name] for name in ("Lena Hoffmann", "Nora Engel"))
    demo_monitors.watch(lead=lena, engineer=nora, since=start + WATCHED_FROM, until=until)
    use_case_demo.fill(ferngrove.company.staff, mended=start + timedelta(weeks=story.DIP_WEEK, hours=9), until=until)
    knowledge_demo.carried_out(until)  # what alerts were to tell was told
    dip = digest.monday_of((start + timedelta(weeks=story.DIP_WEEK - 1, days=1)).date())
    for whose in brief.reaches():
        digest.write(dip, whose, at=digest.written_at(dip))
    digest.write_due(at=until)
    brief.compute(at=until)
    opportunities.look(encoding.in_force(), replies=REPLIES_COMPARED, questions=QUESTIONS_ASKED, anew=ASKED_ANEW, at=until)
    feedback_demo.write_up(ferngrove.company.staff, ferngrove.labels, start=start, until=until)


def _automate(ferngrove: Ferngrove, until: datetime) -> None:
    """First recipes, looked at beside what people did."""
    staff = ferngrove.company.staff
    with shopkeeping.beside() as shop:
        connected = catalog.connected_for(staff["Nora Engel"], shop=shop)
        automations_demo.draft(staff, connected=connected, at=until)


def _run_recipes(ferngrove: Ferngrove, until: datetime) -> None:
    """What came lately, as far as a recipe is for it. It is not part of the one transaction: an effect is kept before it leaves."""
    since, nora = until - automations_demo.BEGAN, ferngrove.company.staff["Nora Engel"]
    came = [
        automations_demo.Came(made, told.opened_at) for made, told in ferngrove.told.items()
        if since <= told.opened_at < until - automations_demo.READ_BY and told.intent in RUN_ON
    ]  # fmt: skip
    with shopkeeping.beside() as shop:
        automations_demo.live_through(ferngrove.company.staff, came, means=catalog.means(nora, shop=shop), at=until)


def _govern(ferngrove: Ferngrove, until: datetime) -> None:
    mixed_up = (ferngrove.labels["where_is_my_order"].id, ferngrove.labels["late_delivery"].id)
    data_demo.agree(ferngrove.company, mixed_up, until)
    coaching_demo.coach(ferngrove.company.staff, until=until)
    data_demo.at_the_desks(ferngrove.company, until)
    data_demo.govern(ferngrove.company, until)
    _know(ferngrove, until)
    evals_demo.propose_gate(ferngrove.eval_set, by=ferngrove.company.staff["Marco Silva"], at=until - timedelta(hours=26))
    _evaluate(ferngrove, until)
    data_demo.talk(ferngrove.company, until)
    data_demo.bring_files(ferngrove.company, intake_demo.overlap(ferngrove.sent), intake_demo.waiting(until), until)


def _write_down(company: Company, at: datetime) -> None:
    """What the shop had on its old help pages; some of it was put right since."""
    lena, marco, birgit = (company.staff[name] for name in ("Lena Hoffmann", "Marco Silva", "Birgit Lund"))
    found = [(one.slug, _content(company, one, at)) for one in ARTICLES]
    knowledge_demo.publish(found, by=lena, proposer=birgit, approver=marco, at=at)


def _promise_too_much(ferngrove: Ferngrove, monday: datetime) -> None:
    """What the dip came from: an article said what the shop could not keep, and was gone back from a week later."""
    lena, marco, birgit, nora = (ferngrove.company.staff[name] for name in ("Lena Hoffmann", "Marco Silva", "Birgit Lund", "Nora Engel"))
    slug, kept, promised = knowledge.PROMISE
    why = "Shorter is clearer."
    knowledge_demo.improve(slug, kept, promised, why=why, by=birgit, proposer=birgit, approver=marco, at=monday + timedelta(hours=4))
    back = monday + timedelta(weeks=1, hours=9)
    articles.go_back(slug, 1, why="Customers waited for money that was not on its way.", by=lena, at=back)
    about = Slice(channel="chat", intent=ferngrove.labels[story.PROMISED[0]].id)
    told = "The article on refunds promised money within a day; version 1 is back."
    notes.write(told, by=lena, happened_at=back, of=about, page=f"knowledge?article={slug}", at=back + timedelta(minutes=10))
    joined, mended = monday + timedelta(hours=5), monday + timedelta(days=6, hours=10)
    notes.write("The contact form joins two matters into one message.", by=nora, kind=notes.INCIDENT, happened_at=joined, at=joined)
    notes.write("The contact form is mended.", by=nora, happened_at=mended, at=mended)


def _content(company: Company, article: ArticleText, at: datetime) -> Content:
    """Whose it is, and when it is to be looked at again."""
    owner, days = knowledge.LOOKED_AFTER[article.area]
    again = at + timedelta(days=knowledge.SOONER.get(article.slug, days))
    told = {name: value for name, value in vars(article).items() if name != "slug"}
    return Content(**told, owner_id=company.staff[owner].id, review_by=again)


def _know(ferngrove: Ferngrove, until: datetime) -> None:
    """Questions as tests, the first answerer, what was asked and suggested since, and what no article covers."""
    staff = ferngrove.company.staff
    lena, marco, birgit, alma = (staff[name] for name in ("Lena Hoffmann", "Marco Silva", "Birgit Lund", "Alma Berger"))
    questions = [knowledge_demo.Question(one.text, () if one.decline else one.articles, one.channel) for one in QUESTIONS]
    missed = [knowledge_demo.Question(text, (), "chat") for wordings in zip(*MISSED, strict=True) for text in wordings]
    tests, asked = questions[::3] + questions[1::3], [*questions[2::3], *missed]  # what was asked is no test
    eval_set = knowledge_demo.test_questions(tests, by=lena, at=until - timedelta(days=20))
    knowledge_demo.release(eval_set, by=birgit, approver=marco, at=until - timedelta(days=18))
    knowledge_demo.ask(asked, by=[alma, staff["Elif Kaya"], birgit], until=until)
    came = [(made, told.opened_at) for made, told in ferngrove.told.items() if until - told.opened_at < timedelta(days=5)]
    knowledge_demo.suggest(came)
    slug, addition = knowledge.DRAFT
    knowledge_demo.propose_one(slug, addition, why="Customers ask for it every week.", by=alma, at=until - timedelta(hours=20))
    knowledge_demo.look_for_gaps(at=until - timedelta(hours=8))
    knowledge_demo.climb(eval_set, by=birgit, at=until - timedelta(hours=6))
    knowledge_demo.read_ahead(by=lena)


def _evaluate(ferngrove: Ferngrove, until: datetime) -> None:
    """Hard wordings, what is live once more, people beside the grader, and a sample of each night's replies."""
    staff = ferngrove.company.staff
    lead, nora, alma = staff["Lena Hoffmann"], staff["Nora Engel"], staff["Alma Berger"]
    evals_demo.create_hard(story.HARD, ferngrove.labels, by=lead, at=until - timedelta(days=9))
    live, ask = classifiers_demo.live_target()
    evals_demo.once_more(ferngrove.eval_set, live, ask, by=nora, at=until - timedelta(days=2))
    evals_demo.check_grader([alma, staff["Elif Kaya"]], at=until - timedelta(days=3))
    evals_demo.look_each_night(21, by=nora, until=until - timedelta(hours=8))
    yes, no = _about_money(ferngrove, until)
    classifiers_demo.ask_about_money(yes, no, rep=alma, approver=lead, at=until - timedelta(hours=40))
    classifiers_demo.study_candidate(by=alma, at=until - timedelta(hours=1))
    classifiers_demo.notice(3, until=until - timedelta(hours=9))


def _about_money(ferngrove: Ferngrove, until: datetime) -> tuple[list[str], list[str]]:
    """Of Alma's team: so many conversations about money, and as many that are not."""
    team = ferngrove.company.staff["Alma Berger"].team_id
    mine = [
        (made, told) for made, told in ferngrove.told.items()
        if timedelta(days=3) < until - told.opened_at < timedelta(days=80) and ferngrove.company.teams[told.team].id == team
    ]  # fmt: skip
    yes = [made for made, told in mine if told.intent in MONEY][:SHOWN_TO_IT]
    no = [made for made, told in mine if told.intent not in MONEY][:SHOWN_TO_IT]
    return yes, no


def _found(rng: random.Random, at: datetime) -> Ferngrove:
    company = data_demo.found(rng, at - decisions_demo.LASTS)
    decisions_demo.fill(company.staff, begins=at - decisions_demo.LASTS)
    lead = company.staff["Lena Hoffmann"]
    meanings = [(key, text.name, text.description, text.do, text.dont) for key, text in INTENTS.items()]
    answers = evals_demo.create_answers(by=lead, at=at)
    _write_down(company, at)
    return Ferngrove(company, classifiers_demo.name_intents(meanings, by=lead, at=at), evals_demo.create(by=lead, at=at), answers)


def _live_through(ferngrove: Ferngrove, told: list[Told], end: datetime, *, is_last: bool) -> None:
    """Conversations arrive and are classified, are reviewed and flagged; then a candidate is made from all reviews so far."""
    company = ferngrove.company
    sent = [_canonical(company, one) for one in told]
    ids = data_demo.arrive(company, sent)
    ferngrove.sent[:] = sent[:40]
    ferngrove.told.update(zip(ids, told, strict=True))
    classifiers_demo.predict_daily((made, one.opened_at) for made, one in zip(ids, told, strict=True))
    reviewed = [made for made in ids if ferngrove.rng.random() < REVIEWED and ferngrove.told[made].opened_at < end - timedelta(hours=20)]
    data_demo.review(company, [_judgement(ferngrove, made, end) for made in reviewed])
    evals_demo.flag(ferngrove.eval_set, _flags(ferngrove, reviewed, end, FLAGS_WAITING if is_last else FLAGS_A_STRETCH))
    evals_demo.flag_answers(_flags(ferngrove, reviewed, end, ANSWERS_WAITING if is_last else ANSWERS_A_STRETCH))
    lead, place = company.staff["Lena Hoffmann"], len(ferngrove.ended)
    if not is_last:
        if place == len(STRETCHES) - 1:
            evals_demo.tend(ferngrove.eval_set, by=lead, at=end - timedelta(hours=5))
        for eval_set in (ferngrove.eval_set, ferngrove.answers):
            freezing.freeze(eval_set.id, by=lead, at=end - timedelta(hours=4))
    if place:
        evals_demo.compare_drafts(ferngrove.answers, place, place + 1, by=company.staff["Nora Engel"], at=end - timedelta(hours=3))
    ferngrove.ended.append(end)
    made_by = end - timedelta(hours=2) if is_last else end
    proposer, approver = company.staff["Birgit Lund"], company.staff["Marco Silva"]
    classifiers_demo.make_candidate(made_by, proposer=proposer, approver=approver, goes_live=not is_last)


def _canonical(company: Company, told: Told) -> dict[str, Any]:
    rep = company.somebody_of(told.team)
    rng = random.Random(told.external_id)  # of its own, so that what follows of the story stays as it is
    messages = [
        {"role": role, "text": text, "at": at, **({"author": rep.name} if role == "rep" else {})} for role, text, at in told.messages
    ]
    kept = ("channel", "subject", "opened_at", "closed_at", "resolved", "customer", "language", "team", "handle_seconds", "csat")
    said = {name: getattr(told, name) for name in kept}
    said |= {"customer_names": [told.customer.rpartition(" ")[0]], "signals": intake_demo.signals(told, rng)}
    messages += intake_demo.note(told, rep.name, rng)
    return said | {"id": told.external_id, "source": "ferngrove-helpdesk", "status": "closed", "assignee": rep.name, "messages": messages}


def _judgement(ferngrove: Ferngrove, made: str, end: datetime) -> Judgement:
    """What a rep says of it, mostly within the day; a matter that no intent covers is weak, with a note."""
    told, rng = ferngrove.told[made], ferngrove.rng
    at = min(told.closed_at + timedelta(minutes=rng.uniform(5, 900)), end)
    if told.intent == NEW_PATTERN.key:
        return Judgement(made, told.team, "weak", None, "", "The parcel locker was full. No intent of ours fits.", at)
    key = rng.choice(list(ferngrove.labels)) if rng.random() < MISTAKEN else told.intent
    verdict = rng.choices(("strong", "none"), (0.7, 0.3))[0] if told.good else "weak"
    reply = "" if told.good else story.better_reply(told, rng)
    return Judgement(made, told.team, verdict, ferngrove.labels[key].id, reply, "", at)


def _flags(ferngrove: Ferngrove, reviewed: list[str], end: datetime, most: int) -> list[Flag]:
    """Some of the reviewed become tests."""
    known = [made for made in reviewed if ferngrove.told[made].intent in ferngrove.labels]
    chosen = [(made, ferngrove.told[made]) for made in ferngrove.rng.sample(known, min(most, len(known)))]
    return [
        Flag(
            made,
            told.good,
            ferngrove.labels[told.intent].id,
            by=ferngrove.company.somebody_of(told.team),
            at=min(told.closed_at + timedelta(hours=17), end),
        )
        for made, told in chosen
    ]
