"""Product feedback: faults that customers keep writing about, each written up once for a product team, and followed."""

import streamlit as st

from data import access, product_feedback
from portal import feedback_form, feedback_list, feedback_page, widgets

person = st.session_state["person"]
found = product_feedback.all_of(by=person)
chosen = next((one for one in found if one.id == st.query_params.get("feedback")), None)

widgets.page("Product feedback", feedback_list.sentence(found))

if chosen and "change" in st.query_params and access.may(person, "feedback.write"):
    feedback_form.change(chosen, person)
elif chosen:
    feedback_page.show(chosen, person)
elif "new" in st.query_params and access.may(person, "feedback.write"):
    feedback_form.begin(person)
else:
    if "feedback" in st.query_params:
        st.info("That one was taken back, or it is another team's.", icon=":material/search_off:")
    feedback_list.show(found, person)
