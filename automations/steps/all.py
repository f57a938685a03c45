"""Every step there is, by name, in the order in which a form offers them."""

from automations.steps import (
    answer_from_knowledge,
    ask_for_detail,
    ask_service,
    call_service,
    classify,
    credit,
    draft_reply,
    hand_over,
    http_call,
    look_up_customer,
    look_up_incident,
    look_up_invoice,
    look_up_order,
    model_step,
    refund,
    route,
    send_reply,
    set_field,
    tag,
)
from automations.steps.face import Declaration, Step

STEPS: dict[str, Step] = {
    "look up order": look_up_order,
    "look up invoice": look_up_invoice,
    "look up incident": look_up_incident,
    "look up customer": look_up_customer,
    "answer from knowledge": answer_from_knowledge,
    "classify": classify,
    "model step": model_step,
    "draft reply": draft_reply,
    "send reply": send_reply,
    "ask for a missing detail": ask_for_detail,
    "tag": tag,
    "route": route,
    "set field": set_field,
    "refund": refund,
    "credit": credit,
    "ask service": ask_service,
    "call service": call_service,
    "http call": http_call,
    "hand over": hand_over,
}
DECLARATIONS: dict[str, Declaration] = {name: step.declaration for name, step in STEPS.items()}
