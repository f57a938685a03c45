"""Between articles and their files: what a file tells becomes an article's content, and back."""

from datetime import UTC, date, datetime

from data import people
from data.tables import Person
from knowledge import articles, files
from knowledge.articles import Content

FOR_STAFF = ("staff", "internal", "intern", "agents", "team", "colleagues", "support")


def as_contents(read: files.Read) -> list[tuple[str, Content]]:
    """An owner who works here is known by the address; another one is nobody."""
    owners = {one.owner_email: people.by_email(one.owner_email) for one in read.articles if one.owner_email}
    return [
        (
            one.slug,
            Content(
                one.title, one.text, one.kind, articles.STAFF if one.audience.lower() in FOR_STAFF else articles.EVERYONE, one.area,
                one.language, owner.id if (owner := owners.get(one.owner_email)) and owner.disabled_at is None else None,
                midnight(one.review_by),
            ),
        )
        for one in read.articles
    ]  # fmt: skip


def midnight(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def taken_out(*, drafts: bool = False, by: Person) -> list[files.NewArticle]:
    """As files hold them."""
    found = articles.taken_out(drafts=drafts, by=by)
    addresses = {one.id: one.email for one in people.everybody(by=by)}
    return [
        files.NewArticle(
            slug, told.title, told.text, told.kind, told.audience, told.area, addresses.get(told.owner_id or "", ""),
            told.review_by.date() if told.review_by else None, told.language,
        )
        for slug, told in found
    ]  # fmt: skip
