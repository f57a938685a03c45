"""Automations: recipes of steps, written as cards and seen on a conversation while they are written. Nothing runs by it."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from automations import checking, flowing, reading, recipes
from automations.recipe import Recipe
from automations.recipes import Kept
from data import access, people
from data.errors import Refused
from data.tables import Version
from portal import (
    acts,
    copying,
    policy_held,
    recipe_agents,
    recipe_backtest,
    recipe_begun,
    recipe_copy,
    recipe_drawn,
    recipe_failures,
    recipe_form,
    recipe_limits,
    recipe_release,
    recipe_runs,
    recipe_tabs,
    recipe_trying,
    recipe_versions,
    widgets,
)
from portal.recipe_begun import NEW, ORIGINS, begun_key, copies, declared, first_words, go_to
from portal.recipe_copy import Copy

person = st.session_state["person"]
may_draft = access.may(person, "automation.draft")
PAGE = 25
TO_OPEN = "automations_to_open"
TABS = {
    "steps": "Steps",
    "picture": "Picture",
    "backtest": "Backtest",
    "release": "Release",
    "runs": "Runs",
    "failures": "Failure points",
    "versions": "Versions",
    "file": "As a file",
}


# -- the list -----------------------------------------------------------------------------------------------------------------------------


def everything() -> None:
    widgets.page(
        "Automations", "Recipes that do what people do again and again. Open one, or write a new one; nothing runs before it is released."
    )
    listed = recipes.listed(by=person)
    if may_draft:
        recipe_begun.ways(person)
    recipe_limits.section(person)
    recipe_release.in_force(listed, person)
    if not listed:
        st.info(
            "There is no recipe yet. A recipe says when it begins, which steps it does, how far it may go, and what a person decides. "
            "It is tried on conversations of the past first.",
            icon=":material/account_tree:",
        )
        return
    words = st.text_input("Search", key="words", bind="query-params", placeholder="Words of its title", icon=":material/search:")
    fitting = [one for one in listed if fits(one, words or "")]
    st.markdown(f"{len(fitting):,} {'recipe' if len(fitting) == 1 else 'recipes'}")
    if not fitting:
        st.info("No recipe fits. Look with other words.", icon=":material/search_off:")
        return
    pages = -(-len(fitting) // PAGE)
    page = st.pagination(pages, key=f"automations_pages_{words}") if pages > 1 else 1
    table(fitting[((page or 1) - 1) * PAGE : (page or 1) * PAGE])


def fits(one: Kept, words: str) -> bool:
    text = f"{one.title} {one.name} {one.newest.body.get('what') or ''}".casefold()
    return all(word in text for word in words.casefold().split())


def table(listed: Sequence[Kept]) -> None:
    who = people.names()
    frame = pd.DataFrame(
        {
            "Open": ["Open" for _ in listed],
            "Title": [one.title for one in listed],
            "What it is for": [str(one.newest.body.get("what") or "–") for one in listed],
            "State": [f"{recipe_release.state(one)}{unsaved(one)}" for one in listed],
            "Changed": [widgets.when(one.newest.at) for one in listed],
            "By": [who.get(one.newest.by_person_id or "", "the console") for one in listed],
        }
    )
    st.dataframe(
        frame, hide_index=True, height="content", key=f"automations_table_{hash(tuple(one.name for one in listed))}",
        column_config={
            "Open": st.column_config.ButtonColumn("", key=TO_OPEN, type="tertiary", width=60),
            "Title": st.column_config.TextColumn(width=230), "What it is for": st.column_config.TextColumn(width=300),
        },
    )  # fmt: skip
    if pressed := st.session_state.get(TO_OPEN):
        go_to(recipe=listed[pressed["row"]].name)


def unsaved(one: Kept) -> str:
    return ", not saved yet" if one.name in copies() and copies()[one.name].changed else ""


# -- one recipe ---------------------------------------------------------------------------------------------------------------------------


def back() -> None:
    if st.button("All recipes", icon=":material/arrow_back:", type="tertiary"):
        go_to()


def begin() -> None:
    """One that was never saved; a conversation, a ready recipe or a file may have begun it."""
    back()
    widgets.page("New recipe", "Add steps, see what they do on a conversation, save it. It is a draft: nothing runs by it.")
    origin = next(((name, value) for name in ORIGINS if (value := st.query_params.get(name, ""))), ("", ""))
    key = begun_key(*origin)
    if key not in copies():
        copies()[key] = recipe_copy.copy_of(first_words(*origin, person), None, saved=not origin[0])
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = tabs(("steps", "picture", "file"))
        if st.button(
            "Let it go", type="tertiary", icon=":material/delete:", key="automations_drop", help="What was typed here is forgotten"
        ):
            copies().pop(key, None)
            go_to()
    turned_to(shown, key, None)


def one_recipe(name: str, wanted: str) -> None:
    versions = recipes.history(name, by=person)
    newest = versions[0]
    version = next((one for one in versions if str(one.target_number) == wanted), newest)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        back()
        if may_draft and (copied := copying.recipe(version, by=person)):
            go_to(recipe=copied)
    try:
        recipe = recipes.read(version)
    except Refused as refused:
        st.title(widgets.plain(name), anchor=False)
        st.warning(f"Version {version.target_number} cannot be shown. {widgets.plain(str(refused))}")
        recipe_versions.show(name, take, by=person)
        return
    about(recipe, version, newest)
    recipe_release.switch(name, person)
    copying.recipe_origin(name, by=person)
    if version is not newest or not may_draft:
        only_read(name, recipe, version, newest)
        return
    copy = copies().get(name) or recipe_copy.copy_of(recipe, newest.target_number)
    copies()[name] = copy
    turned_to(tabs(tuple(TABS)), name, newest)


def about(recipe: Recipe, version: Version, newest: Version) -> None:
    st.title(widgets.plain(recipe.title or recipe.name), anchor=False)
    if recipe.what:
        st.markdown(widgets.plain(recipe.what))
    kept = next(one for one in recipes.listed(by=person) if one.name == recipe.name)
    who = people.names().get(version.by_person_id or "", "the console")
    told = recipe_release.state(kept).capitalize()
    st.caption(
        f"{told} · version {version.target_number} saved by {widgets.plain(who)}, {widgets.when(version.at)}",
        help=widgets.exact(version.at),
    )
    policy_held.line(recipe, by=person)
    if version is not newest:
        st.info(f"This is version {version.target_number}. The newest is {newest.target_number}.", icon=":material/history:")


def tabs(names: tuple[str, ...]) -> str:
    return recipe_tabs.show(names, TABS)


def only_read(name: str, recipe: Recipe, version: Version, newest: Version) -> None:
    if version is not newest:
        with st.container(horizontal=True):
            if st.button("Open the newest", icon=":material/arrow_forward:", key="automations_newest"):
                go_to(recipe=name)
            if may_draft:
                st.button("Take it as a new draft", icon=":material/edit_note:", key="automations_take", on_click=take, args=(version,))
    shown = tabs(("picture", "backtest", "release", "runs", "failures", "versions"))
    if shown == "backtest":
        recipe_backtest.section(name, version.target_number, changed=False, person=person)
    elif shown == "release":
        recipe_release.section(name, version.target_number, changed=False, person=person)
    elif shown == "runs":
        recipe_runs.section(name, person=person)
    elif shown == "failures":
        recipe_failures.section(name, person=person)
    elif shown == "versions":
        recipe_versions.show(name, take, by=person)
    else:
        picture(recipe)


def take(version: Version) -> None:
    """An older version, to be changed and saved after the newest."""
    newest = recipes.get(version.target_name, by=person)
    copies()[version.target_name] = recipe_copy.copy_of(recipes.read(version), newest.target_number, saved=False)
    recipe_tabs.turn_to("steps", recipe=version.target_name)


def turned_to(shown: str, name: str, newest: Version | None) -> None:
    copy = copies()[name]
    if shown == "picture":
        picture(copy.recipe())
    elif shown == "file":
        as_a_file(copy, name)
    elif shown == "versions":
        recipe_versions.show(name, take, by=person)
    elif shown == "backtest" and newest is not None:
        recipe_backtest.section(name, newest.target_number, changed=copy.changed, person=person)
    elif shown == "release" and newest is not None:
        recipe_release.section(name, newest.target_number, changed=copy.changed, person=person)
    elif shown == "runs":
        recipe_runs.section(name, person=person)
    elif shown == "failures":
        recipe_failures.section(name, person=person)
    else:
        steps(copy, name, newest)


def picture(recipe: Recipe) -> None:
    recipe_drawn.flow(recipe, declared())
    told = f"Alone it may do {', '.join(recipe.alone.changes)}" if recipe.alone.changes else "It does nothing alone"
    if recipe.alone.money:
        told += f", and move up to {flowing.money_told(recipe.alone.money, recipe.limits.currency)} in a run"
    yes = "one person says" if recipe.alone.approvers == 1 else f"{recipe.alone.approvers} people say"
    st.caption(f":material/how_to_reg: {widgets.plain(told)}. For everything else that changes something {yes} yes first.")


# -- its cards ----------------------------------------------------------------------------------------------------------------------------


def steps(copy: Copy, name: str, newest: Version | None) -> None:
    every_step = recipe_trying.every_step()
    declarations = declared()
    conversation_id = recipe_trying.choose(copy, st.query_params.get("from", ""), by=person)
    last_line = st.container()
    places = recipe_form.cards(copy, declarations)
    recipe_agents.section(copy, declarations)
    whole, by_card = recipe_trying.told_by_card(copy, declarations)
    if conversation_id and copy.cards:
        tried = recipe_trying.on(copy, conversation_id, set(by_card), every_step, by=person)
        if tried is not None:
            recipe_trying.beside_cards(tried, copy, by_card, places, declarations)
        with last_line:
            recipe_trying.comes_to(tried, all_of_it=not by_card)
    recipe_trying.faults(whole, by_card, places, copy)
    save(copy, name, newest, len(whole) + sum(len(some) for some in by_card.values()))


def save(copy: Copy, name: str, newest: Version | None, wrong: int) -> None:
    number = newest.target_number if newest else 0
    with st.container(key="automations_save", horizontal=True, vertical_alignment="bottom"):
        words = f"{wrong} {'thing is' if wrong == 1 else 'things are'} to be mended" if wrong else "Nothing is missing"
        st.markdown(f"{':orange[:material/build:]' if wrong else ':green[:material/check:]'} {words}", width="content")
        why = st.text_input("Why", key=f"automations_why_{copy.uid}", placeholder="What changed, and why", max_chars=300)
        pressed = st.button(
            f"Save as version {number + 1}", type="primary", icon=":material/save:", key="automations_do_save",
            disabled=newest is not None and not copy.changed, help=None if newest is None or copy.changed else "Nothing was changed",
        )  # fmt: skip
        if newest is not None and copy.changed:
            st.button(
                "Let it go", key="automations_undo_all", type="tertiary", help="Back to what was saved", on_click=let_go, args=(name,)
            )
    if newest is not None and copy.based_on != number:
        meanwhile(copy, number)
    if not pressed:
        return
    kept: list[Version] = []
    if acts.attempt(
        lambda: kept.append(kept_version(copy, why)), done=lambda _: f"Saved as version {kept[0].target_number}. Nothing runs by it."
    ):
        copies().pop(name, None)
        address = {"recipe": kept[0].target_name}
        if begun_from := st.query_params.get("from"):
            address["from"] = begun_from
        st.query_params.from_dict(address)
    st.rerun()


def let_go(name: str) -> None:
    copies().pop(name, None)


def meanwhile(copy: Copy, number: int) -> None:
    st.warning(
        f"Version {number} was saved since you began with version {copy.based_on}. Look at it under Versions; what you "
        "changed is still here.",
        icon=":material/group:",
    )
    if st.button("I have seen it: save mine after it", key="automations_after"):
        copy.based_on = number
        st.rerun()


def kept_version(copy: Copy, why: str) -> Version:
    if place := copy.unfinished():
        raise Refused(f"Not saved: {place} is not finished. Fill it in, or take it away.")
    recipe = copy.recipe()
    if not recipe.title.strip():
        raise Refused("Not saved: the recipe has no title. Give it one, so that colleagues find it.")
    if not recipe.name:
        recipe = recipe_copy.with_name(recipe, {one.name for one in recipes.listed(by=person)})
    return recipes.save(recipe, why=why, based_on=copy.based_on, by=person)


def as_a_file(copy: Copy, name: str) -> None:
    """All of it as a text: for what rows have no room for, and for those who like it better."""
    st.caption("The whole recipe as YAML. What you take over here stands on the cards; it is saved there.")
    key = f"automations_text_{copy.uid}"
    text = st.text_area("The recipe", reading.written(copy.recipe()), key=key, height=460, label_visibility="collapsed")
    with st.container(horizontal=True):
        taken = st.button("Take it over", type="primary", icon=":material/check:", key="automations_text_take")
        if not name.startswith(NEW) and st.button("Download", icon=":material/download:", key="automations_download"):
            recipe_versions.download(copy.recipe(), copy.based_on or 0, by=person)
    if taken:
        read: list[Recipe] = []
        if acts.attempt(
            lambda: read.append(same_name(reading.read(text, declared()), name)), done="Taken over. Look through the cards, then save."
        ):
            made = recipe_copy.copy_of(read[0], copy.based_on)
            made.begun = copy.begun
            copies()[name] = made
        st.rerun()


def same_name(recipe: Recipe, name: str) -> Recipe:
    if not name.startswith(NEW) and recipe.name != name:
        raise Refused(
            f"Not taken over: the text is named '{checking.shown(recipe.name)}' and this recipe '{name}'. Its name stays as it is."
        )
    return recipe


def main() -> None:
    if st.query_params.get("begin") == "new" and may_draft:
        begin()
        return
    name = st.query_params.get("recipe", "")
    if name and recipes.history(name, by=person):
        one_recipe(name, st.query_params.get("version", ""))
        return
    if name:
        st.info("That recipe is not here.", icon=":material/search_off:")
    everything()


main()
