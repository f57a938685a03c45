"""A recipe's versions on a screen: who saved which and why, what changed between two, an older one again, and all of it as a file."""

from collections.abc import Callable

import streamlit as st

from automations import RECIPE, reading, recipes
from automations import recipe as document
from automations.recipe import Recipe
from data import access, downloads, people, releases
from data.tables import Person, Version
from portal import acts, session, widgets


def show(name: str, take: Callable[[Version], None], *, by: Person) -> None:
    versions = recipes.history(name, by=by)
    numbers = [one.target_number for one in versions]
    if len(numbers) > 1:
        row = st.columns(2)
        later = row[0].selectbox("Version", numbers, key=f"automations_later_{name}")
        others = [number for number in numbers if number != later]
        before = next((number for number in others if number < later), others[0])
        earlier = row[1].selectbox("against", others, index=others.index(before), key=f"automations_earlier_{name}_{later}")
        found = {one.target_number: one for one in versions}
        between(found[earlier], found[later])
    st.subheader("All versions", anchor=False)
    names, live = people.names(), releases.live(RECIPE, name)
    for version in versions:
        line(version, names, live is not None and live.target_number == version.target_number, version is versions[0], take, by)


def between(earlier: Version, later: Version) -> None:
    told = document.differences(recipes.read(earlier), recipes.read(later))
    with st.container(border=True, gap="small"):
        st.caption(f"From version {earlier.target_number} to {later.target_number}")
        for sentence in told or ["Nothing is different."]:
            st.markdown(f":material/arrow_right_alt: {widgets.plain(sentence)}")


def line(version: Version, names: dict[str, str], live: bool, newest: bool, take: Callable[[Version], None], by: Person) -> None:
    number = version.target_number
    why = str(version.manifest.get("why") or "")
    who = names.get(version.by_person_id or "", "the console")
    with st.container(border=True):
        state = " :green-badge[:material/check_circle: live]" if live else " :gray-badge[newest]" if newest else ""
        st.markdown(f"**Version {number}**{state} · {widgets.plain(why) or ':gray[no reason was given]'}")
        st.caption(f"{widgets.plain(who)}, {widgets.when(version.at)}", help=widgets.exact(version.at))
        with st.container(horizontal=True):
            key = f"automations_{version.id}"
            if not newest and st.button("Look at it", key=f"{key}_look", type="tertiary", icon=":material/visibility:"):
                st.query_params.from_dict({"recipe": version.target_name, "version": str(number)})
                st.rerun()
            if not newest and access.may(by, "automation.draft"):
                words, icon = "Take it as a new draft", ":material/edit_note:"
                st.button(words, key=f"{key}_take", type="tertiary", icon=icon, on_click=take, args=(version,))
            if st.button("Download", key=f"{key}_file", type="tertiary", icon=":material/download:"):
                download(recipes.read(version), number, by=by)


def download(recipe: Recipe, number: int, *, by: Person) -> None:
    """As YAML, through a ticket for this person alone."""
    tickets: list[str] = []

    def act() -> None:
        access.require(by, "automation.read")
        file = downloads.keep(reading.written(recipe).encode(), "yaml")
        called = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in recipe.name)[:60]
        tickets.append(downloads.offer(file, f"{called}-{number}.yaml", by=by, right="automation.read"))

    if acts.attempt(act):
        session.go(f"/api/v1/downloads/{tickets[0]}")
