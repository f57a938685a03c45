"""Where a recipe begins on a screen: from nothing, a file, a conversation or a ready one; and what is worked on until it is saved."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from automations import reading, recipes
from automations.connectors import connecting
from automations.outside import sources
from automations.recipe import Recipe
from automations.steps.face import Declarations
from data.tables import Person
from portal import acts, catalog, recipe_copy, recipe_trying, widgets
from portal.recipe_copy import Copy

NEW = "new/"  # before what an unsaved recipe was begun from: no name has a / in it
ORIGINS = ("from", "ready", "file")  # a conversation, a recipe of the gallery, a file
COPIES, FILE = "automations_copies", "automations_file"


def copies() -> dict[str, Copy]:
    """What this person works on: it lasts until it is saved or let go."""
    kept: dict[str, Copy] = st.session_state.setdefault(COPIES, {})
    return kept


def declared() -> Declarations:
    """Each step, with what is known of connected services and tools."""
    return sources.offered(connecting.offered(recipes.declared(recipe_trying.every_step())))


def go_to(**address: str) -> None:
    st.query_params.from_dict(address)
    st.rerun()


def ways(person: Person) -> None:
    """How a recipe is begun, and what was begun and not saved."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("New recipe", type="primary", icon=":material/add:", key="automations_new"):
            copies().setdefault(NEW, recipe_copy.copy_of(Recipe(""), None))
            go_to(begin="new")
        with st.popover("Bring a file", icon=":material/upload_file:"):
            bring(person)
        with st.popover("Begin from a ready one", icon=":material/auto_stories:"):
            ready()
    for key, copy in copies().items():
        if key.startswith(NEW) and copy.changed:
            words = f"Go on with '{widgets.plain(copy.head.title or 'the one you began')}'"
            if st.button(words, key=f"automations_go_on_{key}", type="tertiary", icon=":material/edit_note:"):
                go_to(**address_of(key))


def ready() -> None:
    st.caption("Each becomes a draft of your own: change what does not fit, try it on a conversation, then save it.")
    for one in ready_ones():
        with st.container(gap=None):
            if st.button(widgets.plain(one.title), key=f"automations_ready_{one.name}", type="tertiary", icon=":material/account_tree:"):
                go_to(begin="new", ready=one.name)
            st.caption(widgets.plain(one.what))


def bring(person: Person) -> None:
    """A file that is refused keeps what stands in the field, so that its line is mended there."""
    st.caption("A recipe as YAML, from another team or from the code. It becomes a draft that you look through before it is saved.")
    upload = st.file_uploader("A YAML file", type=["yaml", "yml"], key="automations_upload", max_upload_size=1)
    if upload is not None and st.session_state.get("automations_upload_seen") != upload.file_id:
        st.session_state["automations_upload_seen"] = upload.file_id
        st.session_state[FILE] = upload.getvalue().decode("utf-8", errors="replace")
    st.text_area("What it says", key=FILE, height=260, placeholder="name: lost parcel")
    if st.button("Read it", type="primary", key="automations_bring", icon=":material/check:"):
        read: list[Recipe] = []
        if acts.attempt(lambda: read.append(reading.read(st.session_state[FILE], declared()))):
            open_brought(read[0], person)
        st.rerun()


def open_brought(recipe: Recipe, person: Person) -> None:
    there = next((one.newest.target_number for one in recipes.listed(by=person) if one.name == recipe.name), None)
    key = recipe.name if there else begun_key("file", recipe.name)
    if key in copies() and copies()[key].changed:
        acts.refuse(
            f"Not taken over: you changed '{recipe.title or recipe.name}' and did not save it. Save it, or let it go, then read it."
        )
        return
    copies()[key] = recipe_copy.copy_of(recipe, there, saved=False)
    st.session_state.pop("automations_upload_seen", None)
    go_to(**({"recipe": recipe.name} if there else address_of(key)))


def begun_key(origin: str = "", value: str = "") -> str:
    return f"{NEW}{origin}={value}" if origin else NEW


def address_of(key: str) -> dict[str, str]:
    origin, _, value = key.removeprefix(NEW).partition("=")
    return {"begin": "new", origin: value} if origin else {"begin": "new"}


def first_words(origin: str, value: str, person: Person) -> Recipe:
    if origin == "ready":
        found = next((one for one in ready_ones() if one.name == value), Recipe(""))
        return replace(found, name="")  # its title names it, with a number where another one has that name
    if origin != "from":
        return Recipe("")
    from automations import drafting

    shop = catalog.connected_for(person).shop
    made: list[Recipe] = []
    if not acts.attempt(lambda: made.append(drafting.from_conversation(value, shop=shop, by=person))):
        go_to(begin="new")
    return made[0]


def ready_ones() -> Sequence[Recipe]:
    from automations import gallery

    return gallery.ready()
