"""`portal knowledge`: bring a folder of articles, publish it, ask it, take it out again."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from data import access, approvals
from data.errors import Misuse, Refused
from data.values import Target
from knowledge import ANSWERER, ARTICLE, articles
from knowledge.articles import Filter
from portal import article_files
from portal.command import AsPerson, Json, acting, as_job, on_terminal, ready, tell

app = typer.Typer(no_args_is_help=True, help="Articles: bring, publish, search, ask, take out.")
SHOWN = 20


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="A folder, or one file: Markdown, HTML, CSV, JSONL.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come in.")] = False,
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Each page becomes a draft; what is there word for word stays as it is. Exit 1 where something could not be read."""
    from knowledge import files

    ready()
    person = acting(by)
    access.require(person, "article.bring")
    if not path.exists():
        raise Misuse(f"Nothing was brought: there is no {path}.")
    read = files.read(path)
    refused = [{"where": where, "why": why} for where, why in read.refused]
    told: dict[str, Any] = {"articles": len(read.articles), "refused": refused}
    sentence = f"{len(read.articles):,} articles can be read."
    if not dry_run and read.articles:
        brought = articles.bring(article_files.as_contents(read), source=path.name, by=person)
        told |= {"new": brought.new, "changed": brought.changed, "unchanged": brought.unchanged}
        sentence = brought.sentence
    lines = [sentence, *(f"Not read: {one['where']}: {one['why']}" for one in refused[:SHOWN])]
    if len(refused) > SHOWN:
        lines.append(f"… and {len(refused) - SHOWN:,} more that could not be read.")
    tell(told, "\n".join(lines), as_json)
    if refused:
        sys.exit(1)


@app.command("list")
def list_(
    state: Annotated[str, typer.Option("--state", help=f"Only those that are: {', '.join(articles.STATES)}.")] = "",
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Every article: its name, its title, what is published."""
    ready()
    if state and state not in articles.STATES:
        raise Misuse(f"There is no state '{state}'. There are {', '.join(articles.STATES)}.")
    person = acting(by)
    chosen = Filter(state=state)
    found = articles.listed(chosen, by=person, size=articles.counted(chosen, by=person) or 1)
    lines = [f"{one.slug:50}  {f'published {one.live}' if one.live else 'not published':14}  {one.title}" for one in found]
    told = [{"slug": one.slug, "title": one.title, "kind": one.kind, "published": one.live, "newest": one.newest} for one in found]
    tell({"articles": told}, "\n".join(lines) or "There is no article yet.", as_json)


@app.command("propose")
def propose(
    why: Annotated[str, typer.Option("--why", help="A sentence; the approver reads it first.")],
    slugs: Annotated[
        list[str] | None, typer.Argument(help="Their names; without one, every draft that is newer than what is published.")
    ] = None,
    despite: Annotated[str, typer.Option("--despite", help="Why it is right although it breaks cases.")] = "",
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Ask a second person to publish the newest drafts, together, once they were tried on the cases that they touch."""
    from knowledge import trying
    from portal import catalog

    ready()
    person = acting(by)
    drafts = {one.slug: one for one in articles.listed(Filter(state="draft"), by=person, size=1_000_000)}
    chosen = slugs or list(drafts)
    if unknown := [slug for slug in chosen if slug not in drafts]:
        raise Refused(f"Not proposed: '{unknown[0]}' is no article with a draft that is newer than what is published.")
    if not chosen:
        raise Refused("Not proposed: every article is published as it is.")
    made = []
    for start in range(0, len(chosen), articles.MOST_AT_ONCE):
        targets = [Target(ARTICLE, slug, drafts[slug].newest) for slug in chosen[start : start + articles.MOST_AT_ONCE]]
        if trying.anything_to_try() and ((study := trying.newest(targets, by=person)) is None or trying.changed_since(study)):
            trying.try_out(targets, known=catalog.graders_for(person), by=person, progress=on_terminal)
        made.append(trying.propose(targets, why=why, despite=despite, by=person))
    lines = [f"Proposed: {one.title}. Another person decides on Approvals." for one in made]
    lines += [nobody for one in made if (nobody := approvals.nobody_can(one))]
    tell({"proposals": [one.id for one in made], "articles": len(chosen)}, "\n".join(lines), as_json)


@app.command("search")
def search(
    words: Annotated[str, typer.Argument(help="A question, or words.")],
    most: Annotated[int, typer.Option("--most", min=1, max=100)] = 10,
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """The passages that would be looked at, best first."""
    from knowledge import answerers, shelf

    ready()
    person = acting(by)
    access.require(person, "knowledge.ask")
    found = shelf.find([{"role": "customer", "text": words}], answerers.in_force().combination, for_staff=True, most=most)
    told = [
        {
            "article": one.passage.slug,
            "number": one.passage.number,
            "title": one.passage.title,
            "text": one.passage.text,
            "score": one.score,
        }
        for one in found
    ]
    lines = [f"{one['score']:.3f}  {one['title']}  ({one['article']})\n       {' '.join(str(one['text']).split())[:160]}" for one in told]
    tell({"found": told}, "\n".join(lines) or "Nothing was found.", as_json)


@app.command("answer")
def answer(
    question: Annotated[str, typer.Argument(help="In one's own words.")],
    write: Annotated[bool, typer.Option("--write", help="Have the model endpoint write it from the same passages.")] = False,
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """What is answered, with its sources. Exit 1 where it keeps silent."""
    from knowledge import answerers, answering
    from portal import catalog

    ready()
    person = acting(by)
    writer = catalog.writer_for(person) if write else None
    if write and writer is None:
        raise Refused("Not written: no model endpoint is set. An engineer or an admin can propose one under Installation.")
    trace = answering.ask(question, by=person, writer=writer)
    said = trace.said or {}
    sources = [f"[{place}] {one['title']} ({one['article']} {one['number']})" for place, one in enumerate(said["sources"], start=1)]
    lines = [said["why"]] if said["declined"] else [*(f"{one['text']} [{one['source'] + 1}]" for one in said["sentences"]), *sources]
    quotes = write and not said["declined"] and not answerers.setup_of(Target(ANSWERER, answerers.NAME, trace.target_number)).writes
    note = answering.QUOTES if quotes else said.get("note", "")
    lines += [note] if note else []
    kept = {name: said[name] for name in ("declined", "why", "reply", "sentences", "confidence")}
    kept["sources"] = [{name: one[name] for name in ("article", "number", "title", "quote")} for one in said["sources"]]
    kept |= {"written": bool(said.get("model")), "note": note} if write else {}
    tell({"answerer": trace.target_number, **kept}, "\n".join(lines), as_json)
    if said["declined"]:
        sys.exit(1)


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="A new folder; one Markdown file each.")],
    drafts: Annotated[bool, typer.Option("--drafts", help="The newest version of each, published or not.")] = False,
    by: AsPerson = "",
    as_json: Json = False,
) -> None:
    """Every published article as a file that `portal knowledge import` reads again."""
    from knowledge import files

    ready()
    count = files.write(article_files.taken_out(drafts=drafts, by=acting(by)), folder)
    tell({"articles": count, "folder": str(folder)}, f"{count:,} articles were written to {folder}.", as_json)


@app.command("gaps")
def gaps(by: AsPerson = "", as_json: Json = False) -> None:
    """Look for what no article covers, here and now, and print it."""
    from data import encoding
    from knowledge import gaps as found_gaps

    ready()
    person = acting(by)
    access.require(person, "pattern.decide")
    as_job(
        "find_gaps", {}, "Look for what no article covers", person,
        lambda progress: found_gaps.look(encoding.in_force(), progress=progress).sentence, again="The same command looks anew.",
    )  # fmt: skip
    on_terminal(1.0, "")
    standing = [one for one in found_gaps.standing(by=person) if one.state == found_gaps.OPEN]
    told = [
        {
            "name": one.name, "questions": one.phrases, "asked": one.size, "people": one.customers, "growth": one.growth,
            **{name: one.told.get(name) for name in ("nearest", "why", "where", "also")},
        }
        for one in standing
    ]  # fmt: skip
    tell({"gaps": told}, "\n".join(f"{one.size:>5}  {one.name}" for one in standing) or "No gap is open.", as_json)
