"""Monitors: measures that are watched, what was found, and where that is told."""

import streamlit as st

from data import access
from evals import monitors
from portal import monitor_form, monitor_list, monitor_page, monitor_webhooks, widgets

person = st.session_state["person"]
found = monitors.all_of(by=person)
chosen = next((one for one in found if one.monitor.id == st.query_params.get("monitor")), None)
begins = "new" in st.query_params or "measure" in st.query_params

widgets.page("Monitors", monitor_list.sentence(found))

if chosen:
    monitor_page.show(chosen, person)
elif begins and access.may(person, "monitor.change"):
    if st.button("All monitors", icon=":material/arrow_back:", type="tertiary"):
        monitor_form.leave("")
    monitor_form.show(person, begun=monitor_form.asked_for(st.query_params))
else:
    if "monitor" in st.query_params:
        st.info("That monitor was retired, or it is about another team.", icon=":material/search_off:")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        opened = "Webhooks" if st.query_params.get("tab") == "webhooks" else "Monitors"
        shown = st.segmented_control(
            "Part", ["Monitors", "Webhooks"], default=opened, required=True, key="monitors_part", label_visibility="collapsed"
        )
        if shown == "Monitors" and access.may(person, "monitor.change"):
            monitor_list.begin()
    if shown == "Webhooks":
        monitor_webhooks.show(person)
    else:
        monitor_list.show(found, person)
