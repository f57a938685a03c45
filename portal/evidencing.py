"""What is known of a version: how good it is, where it errs, how well it knows that, and which labels look wrong. Drawn from what its
training kept; no model is opened.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from classifiers import doubting, kinds, tuning
from classifiers.abstention import Threshold
from data import access, conversations, labels
from data.errors import Refused
from data.measures import Share, percent
from data.tables import Person, Version
from data.values import Target
from portal import acts, charts, studying, widgets

MOST = 20  # conversations of a confusion that are looked for
SUSPECTS = 5  # labels that look wrong, at once
FEW = 12  # labels whose promises are read through
TABS = {
    "labels": "By intent", "mixed": "Mixed up", "sure": "How sure", "doubtful": "Doubtful labels", "slices": "Channels",
    "changes": "What would change", "more": "More examples", "try": "Try a text",
}  # fmt: skip


def show(version: Version, *, person: Person) -> None:
    told = version.body
    if not told:
        st.caption(nothing_kept(version))
        return
    headline(version, person)
    if traffic := version.manifest.get("traffic"):
        st.caption(widgets.plain(traffic["sentence"]))
    doubtful = doubting.waiting(version, by=person)
    tabs = tabs_of(version)
    shown = st.segmented_control(
        "Show", list(tabs), default="labels", required=True, key=f"evidence_{version.id}", label_visibility="collapsed",
        format_func=lambda tab: f"{tabs[tab]} {len(doubtful):,}" if tab == "doubtful" and doubtful else tabs[tab],
    )  # fmt: skip
    if shown == "labels":
        by_label(version)
    elif shown == "mixed":
        mixed_up(told["confusions"], person)
    elif shown == "sure":
        how_sure(version, person)
    elif shown == "doubtful":
        suspects(version, doubtful, person)
    elif shown == "slices":
        slices(told["slices"])
    else:
        {"changes": studying.would_change, "more": studying.more_examples, "try": studying.try_a_text}[shown](version, person)


def nothing_kept(version: Version) -> str:
    if version.manifest.get("validation_rows") == 0:
        return "It could not be checked: too few customers wrote what it learned from. With examples of more customers it can."
    return "Nothing more is kept of this version. Train again, and it stands here where it errs."


def says_several(version: Version) -> bool:
    return bool(version.manifest.get("kind") == kinds.SEVERAL)


def noun(version: Version) -> str:
    """What people call what it says."""
    return "intent" if version.target_name == labels.INTENT else "label"


def tabs_of(version: Version) -> dict[str, str]:
    """What more examples would bring is told of one label a conversation alone."""
    told = TABS | {"labels": f"By {noun(version)}"}
    return {tab: words for tab, words in told.items() if tab != "more" or not says_several(version)}


def headline(version: Version, person: Person) -> None:
    """Where it errs most, with an example."""
    mixed = version.body["confusions"]
    if not mixed:
        return
    worst = mixed[0]
    times = "once" if worst["n"] == 1 else f"{worst['n']} times"
    told = f"Most often it {mistake(worst)}, {times}"
    example = texts(conversations.reachable(worst["conversation_ids"], by=person)[:1])
    st.markdown(f"{told}: *{widgets.plain(example[0])}*" if example else f"{told}.", help=version.manifest.get("sentence"))


def mistake(one: dict[str, Any]) -> str:
    """Where several labels may be said, one is also missed or said beside the right ones."""
    given, said = (f"**{widgets.plain(one[name])}**" for name in ("given", "said"))
    if one["given_id"] is None:
        return f"says {said} where it does not come up"
    return f"misses {given}" if one["said_id"] is None else f"takes {given} for {said}"


def by_label(version: Version) -> None:
    per_label, word = version.manifest["per_label"], noun(version)
    st.caption(f"The weakest first. Found: of what is this {word}, so much is recognised. Right: of what it calls so, so much is.")
    st.dataframe(
        pd.DataFrame(
            {
                word.capitalize(): [one["label"] for one in per_label],
                "Found": [_share(one["recall"]) for one in per_label],
                "Right": [_share(one["precision"]) for one in per_label],
                "F1": [100 * one["f1"]["value"] for one in per_label],
                "Examples": [one["support"] for one in per_label],
            }
        ),
        hide_index=True, height=min(36 * (len(per_label) + 1) + 3, 400),
        column_config={"F1": st.column_config.ProgressColumn(min_value=0, max_value=100, format="%.0f %%", width=120)},
    )  # fmt: skip


def _share(told: dict[str, Any]) -> str:
    return str(Share(told["k"], told["n"])) if told["n"] else "–"


def mixed_up(confusions: Sequence[dict[str, Any]], person: Person) -> None:
    if not confusions:
        st.success("Of all that it was checked on it mixed nothing up.", icon=":material/check:")
        return
    words = [f"{mixed(one)}: {one['n']:,}" for one in confusions]
    chosen = st.selectbox("Which", range(len(words)), format_func=words.__getitem__, key="evidence_mixed", label_visibility="collapsed")
    widgets.openings(confusions[chosen]["conversation_ids"][:MOST], by=person)


def mixed(one: dict[str, Any]) -> str:
    if one["given_id"] is None:
        return f"{one['said']}, which does not come up"
    return f"{one['given']} missed" if one["said_id"] is None else f"{one['given']} taken for {one['said']}"


def texts(ids: Sequence[str]) -> list[str]:
    found = conversations.beginnings(ids)
    return [found[made] for made in ids]


# -- how sure it is -----------------------------------------------------------------------------------------------------------------------


def how_sure(version: Version, person: Person) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        curve = version.body["risk_coverage"]
        st.altair_chart(charts.risk_coverage(curve, title="Less said, more right"))
    with right:
        bins, ece = version.body["reliability"]["bins"], version.body["reliability"]["ece"]
        st.altair_chart(charts.reliability(bins, title="As sure as it is right?"))
        with st.expander("How we know"):
            st.caption(
                f"Expected calibration error {ece:.3f}; checked in {version.manifest['validation_rows']:,} conversations, out of fold."
            )
    speak_when(version, person)


def said_from(version: Version) -> None:
    """Where several labels may be said, each has a threshold of its own."""
    told = version.manifest
    right = {one["label_id"]: one["precision"] for one in told["per_label"]}
    made = sorted(told["label_ids"], key=lambda label_id: str(told["label_names"][label_id]).lower())
    st.dataframe(
        pd.DataFrame(
            {
                "Label": [told["label_names"][one] for one in made],
                "Said from": [percent(told["thresholds"][one]) if told["thresholds"][one] <= 1 else "never" for one in made],
                "Right so far": [_share(right[one]) if one in right else "–" for one in made],
                "Promise": [promise_of(told, one) for one in made],
            }
        ),
        hide_index=True, height=min(36 * (len(made) + 1) + 3, 400),
    )  # fmt: skip
    if told["promise"]:
        with st.expander("What is promised", icon=":material/verified:", expanded=len(made) <= FEW):
            st.markdown(widgets.plain(told["promise"]))


def promise_of(manifest: dict[str, Any], label_id: str) -> str:
    if manifest["thresholds"][label_id] > 1:
        return "it would be wrong too often"
    return "yes" if label_id in manifest["promised_labels"] else "none yet"


def speak_when(version: Version, person: Person) -> None:
    """Be right so often, else stay silent; some intents may have to be surer than the others."""
    manifest = version.manifest
    if says_several(version):
        said_from(version)
        return
    wanted = st.slider(
        "Be right so often, else stay silent", 70, 99, round(manifest["precision_wanted"] * 100), format="%d %%",
        key=f"evidence_wanted_{version.id}",
    )  # fmt: skip
    own = surer(version)
    try:
        told = tuning.try_out(version, wanted / 100, own)
    except Refused as refused:
        st.caption(widgets.plain(str(refused)))
        return
    said_of(told.threshold)
    for label_id, one in told.own.items():
        said_of(one, f"**{widgets.plain(manifest['label_names'][label_id])}**: ")
    st.markdown(f":gray[:material/person_raised_hand: {widgets.plain(told.asks.sentence)}]")
    if told.promised and not tuning.is_in_force(version, told) and access.may(person, "classifier.train"):
        target = Target(version.target_kind, version.target_name, version.target_number)
        if st.button("Keep it as a new candidate", key=f"evidence_tune_{version.id}", icon=":material/tune:"):
            acts.attempt(
                lambda: tuning.choose(target, wanted / 100, own=own, by=person),
                done=lambda made: f"Candidate {made.target_number} speaks when it is right {wanted} % of the time.",
            )
            st.rerun()


def said_of(one: Threshold, before: str = "") -> None:
    st.markdown(f":material/{'verified' if one.promised else 'hourglass_empty'}: {before}{widgets.plain(one.sentence)}")


def surer(version: Version) -> dict[str, float]:
    """Intents with a promise of their own: what costs money or trust when it is wrong."""
    names, before = version.manifest["label_names"], version.manifest.get("own_wanted") or {}
    with st.expander(f"Some {noun(version)}s have to be surer", icon=":material/priority_high:", expanded=bool(before)):
        chosen = st.multiselect(
            "Which", sorted(names, key=names.__getitem__), default=[one for one in before if one in names],
            format_func=names.__getitem__, key=f"evidence_own_{version.id}", placeholder="Refund, cancellation, …",
        )  # fmt: skip
        return {
            one: st.slider(
                f"{widgets.plain(names[one])}: right so often", 70, 99, round(before.get(one, 0.95) * 100), format="%d %%",
                key=f"evidence_own_{version.id}_{one}",
            ) / 100
            for one in chosen
        }  # fmt: skip


# -- labels that look wrong ---------------------------------------------------------------------------------------------------------------


def suspects(version: Version, doubtful: list[dict[str, Any]], person: Person) -> None:
    if not doubtful:
        st.success("No label looks wrong, or somebody looked at each again.", icon=":material/check:")
        return
    st.caption(
        "A person said one thing, everything alike says another. Look at each once more: what you say is learned from next time. "
        "Y mends the first, N keeps it."
    )
    known = {label.id for label in labels.of(version.target_name, drafts=True)}
    for one, text in zip(doubtful[:SUSPECTS], texts([one["conversation_id"] for one in doubtful[:SUSPECTS]]), strict=True):
        with st.container(border=True, gap="xsmall"):
            st.markdown(widgets.plain(text))
            with st.container(horizontal=True):
                for words, key in (("likelier", "fix"), ("given", "keep")):
                    ids = one.get(f"{words}_ids", [one[f"{words}_id"]])  # all of them, where several may be said
                    st.button(
                        f"{'It is' if key == 'fix' else 'Keep'} {called(version, ids)}", key=f"suspect_{key}_{one['conversation_id']}",
                        on_click=say, args=(version, one["conversation_id"], ids, person), disabled=not known.issuperset(ids),
                        type="primary" if key == "fix" else "secondary",
                    )  # fmt: skip


def called(version: Version, label_ids: Sequence[str]) -> str:
    """Refund · Damage and Refund · Courier, Damage and Refund"""
    names = sorted(widgets.plain(version.manifest["label_names"].get(made, "?")) for made in label_ids)
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "none of the labels"


def say(version: Version, conversation_id: str, label_ids: Sequence[str], person: Person) -> None:
    acts.attempt(
        lambda: doubting.say(version, conversation_id, label_ids, by=person), done="Kept. The next training learns from it."
    )  # fmt: skip


def slices(told: Sequence[dict[str, Any]]) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "": [one["slice"].capitalize() for one in told],
                "Which": [one["value"] for one in told],
                "Right": [_share(one) for one in told],
            }
        ),
        hide_index=True,
    )
