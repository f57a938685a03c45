"""The parts of a recipe's page, and to turn from one to another so that the control which marks them turns too."""

from collections.abc import Mapping

import streamlit as st

TURN = "automations_turn"  # the part that is wanted next


def turn_to(part: str, *, keep: bool = False, **address: str) -> None:
    """Called where a button is pressed. `keep`: the address stays as it is beside the part; without a recipe there are no parts."""
    if keep:
        st.query_params["tab"] = part
    else:
        st.query_params.from_dict(address)
    if "recipe" in st.query_params:
        st.session_state[TURN] = part


def show(names: tuple[str, ...], titles: Mapping[str, str]) -> str:
    """The chosen part. What was turned to is said to the control itself: one that is only forgotten goes on marking where it was."""
    key = f"automations_tab_{hash(names)}_{st.query_params.get('recipe', '')}"
    if wanted := st.session_state.pop(TURN, ""):
        st.session_state[key] = wanted if wanted in names else names[0]  # an older version has no steps
    begins = "runs" if "run" in st.query_params else st.query_params.get("tab", names[0])
    return (
        st.segmented_control(
            "Show", names, format_func=titles.__getitem__, default=begins if begins in names else names[0], required=True,
            label_visibility="collapsed", key=key,
        )
        or names[0]
    )  # fmt: skip
