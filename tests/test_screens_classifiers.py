"""Patterns and what is known of a version, as people see them: with nothing, a little and much, for each role, and what is hostile."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from classifiers import noticing, shipping, training
from data import approvals, labels, releases, reviews, store, versions
from data.tables import Label, Person, Version
from data.values import now
from tests import worlds
from tests.conftest import Staff, hire
from tests.test_classifiers_noticing import come
from tests.test_classifiers_shipping import candidate, ship
from tests.test_classifiers_training import reviewed
from tests.test_evals_sets import NAMES, intents
from tests.test_screens import button, open_screen, sit_down
from tests.test_screens_evals import drawn, labels_of, words

MADE = "<img src=x onerror=alert(1)> **bold** :red[x] $x$"


@pytest.fixture
def desk(sqlite_home: Any) -> Staff:
    return hire()


@worlds.remembered
def pattern_of(desk: Staff) -> str:
    come(desk, now(), alike=40)
    noticing.look(None)
    noticing.look(None)
    return next(one.id for one in noticing.standing(by=desk.rep) if "locker" in one.name)


def one_pattern(by: Person, pattern_id: str) -> AppTest:
    return drawn(open_screen(sit_down(by), "patterns", pattern=pattern_id))


def test_where_nothing_stands_out_the_page_says_so(desk: Staff) -> None:
    assert "Nothing stands out" in words(drawn(open_screen(sit_down(desk.rep), "patterns")))
    assert "That pattern is not here." in words(drawn(open_screen(sit_down(desk.rep), "patterns", pattern="none")))


def test_a_rep_says_what_belongs_and_names_it(desk: Staff) -> None:
    app = one_pattern(desk.rep, pattern_of(desk))
    assert "0 of 40 looked at" in str(app.get("progress")[0].proto) and app.button(key="patterns_accept").disabled
    for key in ("patterns_yes", "patterns_yes", "patterns_no"):
        drawn(app.button(key=key).click().run())
    assert "Name it with 2 examples" in labels_of(app) and "37 are not looked at yet; they stay as they are." in words(app)
    again = next(one for one in app.button if one.label == "Again")
    drawn(again.click().run())
    assert "2 of 40 looked at" in str(app.get("progress")[0].proto)
    drawn(button(app, "Take the other 38 unread").click().run())
    name = next(one for one in app.text_input if one.label == "Intent")
    drawn(name.set_value("Parcel locker full").run())
    drawn(app.button(key="patterns_accept").click().run())
    told = words(app)
    assert "became an intent 'Parcel locker full'" in told and "to learn from" in told and "kept for testing" in told
    assert [label.name for label in labels.of(drafts=True)] == ["Parcel locker full"] and labels.of() == []
    assert "Parcel locker full is being taught" in words(drawn(open_screen(sit_down(desk.rep), "classifiers"))).replace("**", "")


def test_a_pattern_that_is_a_fault_of_the_product_is_written_up_from_its_card(desk: Staff) -> None:
    pattern_id = pattern_of(desk)
    app = drawn(open_screen(sit_down(desk.rep), "patterns"))
    links = [one.proto for one in app.get("page_link") if one.proto.label == "Write it up for a product team"]
    assert {link.page for link in links} == {"product_feedback"}
    assert f"new=1&pattern={pattern_id}" in {link.query_string for link in links}
    app = drawn(open_screen(sit_down(desk.rep), "product_feedback", new="1", pattern=pattern_id))
    assert "locker" in next(one.value for one in app.text_input if one.label == "Words that find its conversations")


def test_a_pattern_is_put_aside_with_a_reason(desk: Staff) -> None:
    app = one_pattern(desk.rep, pattern_of(desk))
    drawn(app.button(key="patterns_aside").click().run())
    assert "Not put aside: say why" in words(app)
    drawn(next(one for one in app.text_input if one.label == "Why").set_value("Not ours.").run())
    drawn(app.button(key="patterns_aside").click().run())
    assert "put aside: Not ours." in words(app)


def test_another_teams_lead_sees_the_number_and_none_of_the_words(desk: Staff) -> None:
    told = words(one_pattern(desk.other, pattern_of(desk)))
    assert "look alike and no intent covers them" in told and "None of its conversations is within your reach" in told


def trained(desk: Staff, mistakes: int = 6) -> Version:
    """Every so many-th label is a person's mistake."""
    with store.writing() as db:
        reviewed(desk, range(1, 201))
        known = intents(desk)
        ids = [known[name] for name in NAMES]
        for number, (made, one) in enumerate(sorted(reviews.last_said(db).items())):
            if number % mistakes == 0:
                reviews.record(made, "none", by=desk.lead, label_id=ids[(ids.index(one.label_id or "") + 1) % 4])
    return training.train(by=desk.rep, precision=0.7)


def show(app: AppTest, version: Version, tab: str) -> AppTest:
    app.session_state[f"evidence_{version.id}"] = tab
    return drawn(app.run())


def test_a_version_shows_where_it_errs(desk: Staff) -> None:
    version = trained(desk)
    app = drawn(open_screen(sit_down(desk.rep), "classifiers"))
    assert "Most often it takes" in words(app) and set(app.dataframe[-1].value["Intent"]) == set(NAMES)
    assert "taken for" in str(show(app, version, "mixed").selectbox(key="evidence_mixed").options)
    assert "Channel" in str(show(app, version, "slices").dataframe[-1].value)
    told = words(show(app, version, "sure"))
    assert "Be right 70 % of the time: it answers where it is at least" in told and "Keep it as a new candidate" not in told
    drawn(app.slider(key=f"evidence_wanted_{version.id}").set_value(99).run())
    assert "that cannot be promised yet" in words(app)


def test_a_label_that_looks_wrong_is_mended_in_one_press(desk: Staff) -> None:
    version = trained(desk)
    app = show(drawn(open_screen(sit_down(desk.rep), "classifiers")), version, "doubtful")
    before = len(version.body["suspects"])
    fix = next(one for one in app.button if (one.key or "").startswith("suspect_fix_"))
    made = (fix.key or "").removeprefix("suspect_fix_")
    drawn(fix.click().run())
    with store.reading() as db:
        said = reviews.last_said(db)[made]
    likelier = {one["conversation_id"]: one["likelier_id"] for one in version.body["suspects"]}
    assert (said.label_id, said.by_person_id) == (likelier[made], desk.rep.id)
    assert f"suspect_fix_{made}" not in {one.key for one in app.button} and before > 1
    keep = next(one for one in app.button if (one.key or "").startswith("suspect_keep_"))
    drawn(keep.click().run())
    assert "Kept. The next training learns from it." in words(app)


def test_another_number_is_kept_as_a_candidate_of_its_own(desk: Staff) -> None:
    version = trained(desk)
    app = show(drawn(open_screen(sit_down(desk.rep), "classifiers")), version, "sure")
    drawn(app.slider(key=f"evidence_wanted_{version.id}").set_value(78).run())
    drawn(button(app, "Keep it as a new candidate").click().run())
    assert versions.all_of("classifier", "intent")[0].manifest["precision_wanted"] == 0.78


def test_what_is_on_its_way_is_seen_and_stopped(desk: Staff) -> None:
    ship(desk, candidate(desk))
    two = candidate(desk)
    proposal = shipping.propose(two, why="It learned more.", by=desk.rep)
    approvals.approve(proposal.id, by=desk.other)
    shipping.ship(proposal.id)
    told = words(drawn(open_screen(sit_down(desk.rep), "classifiers")))
    assert "intent 2 runs beside the live version." in told and "the next step asks for 200" in told and "Stop it" not in told
    app = drawn(open_screen(sit_down(desk.lead), "classifiers"))
    drawn(app.button(key="classifiers_stop").click().run())
    assert "Not stopped: say why" in words(app)
    drawn(app.text_input(key="classifiers_stop_why").set_value("A customer complained.").run())
    drawn(app.button(key="classifiers_stop").click().run())
    assert releases.under_way("classifier", "intent") is None and "runs beside" not in words(app)


def test_names_that_mean_something_elsewhere_are_words(desk: Staff) -> None:
    version = trained(desk)
    with store.writing() as db:
        label = db.get_one(Label, version.manifest["label_ids"][0])
        label.name = MADE
        db.add(label)
    again = training.train(by=desk.rep)
    app = drawn(open_screen(sit_down(desk.rep), "classifiers"))
    for tab in ("labels", "mixed", "sure", "doubtful", "slices"):
        shown = show(app, again, tab)
        assert not [part for part in shown.markdown if part.allow_html]
        assert not [part for part in shown.markdown if MADE in str(part.value)]
