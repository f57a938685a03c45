"""What one's own work changed, over HTTP: of the person whose token it is, and of nobody else."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from data import work_changed
from portal import my_work_text
from portal.caller import By

router = APIRouter(prefix="/v1")
Weeks = Annotated[int, Query(description="4, 12 or 52: this week and those before it.")]


@router.get("/my-work")
def my_work(by: By, weeks: Weeks = 12, ids: bool = False) -> dict[str, Any]:
    """What they gave in these weeks and what became of it, in sentences with figures; with `ids` also what each figure is made of."""
    return my_work_text.as_json(work_changed.of(by=by, weeks=weeks), with_ids=ids)
