"""Use cases: what is to be built and why, from the problem to its upkeep."""

import streamlit as st

from data import access, use_cases
from portal import use_case_form, use_case_list, use_case_page, use_case_text, widgets

person = st.session_state["person"]
found = use_cases.all_of(by=person)
chosen = next((one for one in found if one.id == st.query_params.get("case")), None)

widgets.page("Use cases", use_case_text.sentence(found))

if chosen:
    use_case_page.show(chosen, person)
elif "begin" in st.query_params and access.may(person, "use_case.write"):
    use_case_form.begin(person, intent=st.query_params["begin"])
else:
    if "case" in st.query_params:
        st.info("That use case is another team's, or it is not there.", icon=":material/search_off:")
    use_case_list.show(found, person)
