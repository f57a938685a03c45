"""Who calls the HTTP API."""

from typing import Annotated

from fastapi import Depends, HTTPException, Request

from data import sessions
from data.tables import Person
from portal import guard


def signed_in(request: Request) -> Person:
    """A program by its token, or a person by the sign-in that the guard named; looked up again for every call."""
    if program := guard.program_of(request.scope):
        return program
    person = sessions.person_of(request.headers.get(guard.SESSION_HEADER, ""))
    if person is None:
        raise HTTPException(401, "Sign in first.")
    return person


By = Annotated[Person, Depends(signed_in)]
