"""What a recipe did is told to the help desk that the conversation came from: one file a help desk, each with the face in face.py."""

from automations.desks import chatwoot as chatwoot
from automations.desks import intercom as intercom
from automations.desks import zendesk as zendesk
from automations.desks.face import Face

__all__ = ["DESKS", "Face"]

DESKS: dict[str, Face] = {"zendesk": zendesk, "intercom": intercom, "chatwoot": chatwoot}
