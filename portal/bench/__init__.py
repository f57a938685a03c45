"""Measures exactly the code that ships, on files that somebody brings: how anybody checks our figures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Measure the portal's own code on your files.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]


def tell(told: dict[str, Any], as_json: bool) -> None:
    """One figure a line, or one object."""
    print(json.dumps(told, ensure_ascii=False) if as_json else "\n".join(_lines(told)))  # noqa: T201


def _lines(told: dict[str, Any], before: str = "") -> list[str]:
    lines = []
    for name, value in told.items():
        if isinstance(value, dict):
            lines += _lines(value, f"{before}{name} ")
        else:
            shown = f"{value:,.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
            lines.append(f"{before + name:44} {shown}")
    return lines


def _run(measure: Callable[[], dict[str, Any]], as_json: bool) -> None:
    tell(measure(), as_json)


@app.command("redact")
def bench_redact(
    texts: Annotated[Path, typer.Option("--texts", help="{full_text, spans} or {text}, one a line or a list.")], as_json: Json = False
) -> None:
    """Recall and precision of redaction, false alarms, texts a second."""
    from portal.bench import redact as measuring

    _run(lambda: measuring.run(texts), as_json)


@app.command("import")
def bench_import(path: Path, as_json: Json = False) -> None:
    """Conversations and messages a second, against bare inserts of the same rows in the same run."""
    from portal.bench import importing

    _run(lambda: importing.run(path), as_json)


@app.command("screens")
def bench_screens(
    conversations: Annotated[int, typer.Option(help="How many stand in the portal while it is measured.")] = 200_000, as_json: Json = False
) -> None:
    """What a rep waits for in the domain layer: the queue's page, a search, a conversation, a save."""
    from portal.bench import screens as measuring

    _run(lambda: measuring.run(conversations), as_json)


@app.command("measures")
def bench_measures(
    conversations: Annotated[int, typer.Option(help="How many came in a year.")] = 1_000_000,
    database: Annotated[str, typer.Option("--database", help="An empty PostgreSQL; else SQLite.")] = "",
    as_json: Json = False,
) -> None:
    """What Quality waits for over a year of conversations, what it takes to count a day, and what noticing changes costs an import."""
    from portal.bench import measures as measuring

    _run(lambda: measuring.run(conversations, url=database), as_json)


@app.command("intents")
def bench_intents(
    train: Annotated[Path, typer.Option("--train", help="{text, label}, one a line.")],
    test: Annotated[Path, typer.Option("--test", help="The same, of texts that are not learned from.")],
    out_of_scope_label: Annotated[str, typer.Option("--out-of-scope-label", help="The label of what is none of the others.")] = "",
    per_label: Annotated[int, typer.Option("--per-label", help="Learn from so many of each label only; 0: from all.")] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Which of them, and where learning starts.")] = 0,
    unlabelled: Annotated[Path | None, typer.Option("--unlabelled", help="{text}, one a line: what came in and nobody labelled.")] = None,
    as_json: Json = False,
) -> None:
    """How often a classifier is right that learned from one file and is asked the other; time, latency and memory beside."""
    from portal.bench import intents as measuring

    def measure() -> dict[str, Any]:
        return measuring.run(train, test, out_of_scope=out_of_scope_label, per_label=per_label, seed=seed, unlabelled=unlabelled)

    _run(measure, as_json)


@app.command("learning")
def bench_learning(
    train: Annotated[Path, typer.Option("--train", help="{text, label} or conversations with intents, one a line: what can be labelled.")],
    test: Annotated[Path, typer.Option("--test", help="The same, of texts that are not learned from.")],
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="So often, each time drawn anew.")] = 5,
    picture: Annotated[Path | None, typer.Option("--picture", help="Draw the curves into this SVG file.")] = None,
    as_json: Json = False,
) -> None:
    """How many labels it takes in our order, and in random order, to get to 90 % of what all labels together teach."""
    from portal.bench import learning as measuring

    _run(lambda: measuring.run(train, test, seeds=seeds, picture=picture), as_json)


@app.command("serving")
def bench_serving(
    texts: Annotated[Path, typer.Option("--texts", help="{text}, one a line: what is asked.")],
    train: Annotated[Path | None, typer.Option("--train", help="{text, label}, one a line: learned first; otherwise what is live.")] = None,
    classifier: Annotated[str, typer.Option("--classifier", help="Whose live version is asked.")] = "intent",
    as_json: Json = False,
) -> None:
    """How long one text waits for its answer (median, and 95 of 100), and how many a second are answered in bulk."""
    from portal.bench import serving as measuring

    _run(lambda: measuring.run(texts, train=train, classifier=classifier), as_json)


@app.command("preview")
def bench_preview(
    train: Annotated[Path, typer.Option("--train", help="{text, label}, one a line: a half for the live version, one for the candidate.")],
    texts: Annotated[Path, typer.Option("--texts", help="{text}, one a line: what customers said, again and again.")],
    conversations: Annotated[int, typer.Option(help="How many came.")] = 100_000,
    as_json: Json = False,
) -> None:
    """How long it takes to say what a candidate would change: of a sample, and of all."""
    from portal.bench import preview as measuring

    _run(lambda: measuring.run(train, texts, conversations), as_json)


@app.command("automations")
def bench_automations(
    runs: Annotated[int, typer.Option("--runs", min=1, help="Dry runs of the ready recipes.")] = 1_000,
    database: Annotated[str, typer.Option("--database", help="An empty PostgreSQL for the live runs; else SQLite.")] = "",
    as_json: Json = False,
) -> None:
    """How long a backtest of 500 conversations takes, and a thousand dry runs, on the conversations that this portal holds; and 200 live
    runs, in a portal of their own."""
    from data import people
    from portal.bench import automations as measuring

    found = next((one for one in people.demo_people() if one.role == "engineer"), None) or people.console()
    _run(lambda: measuring.run(found, runs=runs, url=database), as_json)


@app.command("airline")
def bench_airline(
    data: Annotated[Path, typer.Option("--data", help="A folder with conversations.jsonl: messages, calls and labels.resolved.")],
    as_json: Json = False,
) -> None:
    """Of an airline's failed conversations, how many a guardrail that holds its policy flags, how often rightly, and what it cannot see."""
    from portal.bench import airline as measuring

    told = measuring.run(data)
    if as_json:
        tell(told, as_json)
    else:
        print("\n".join(measuring.table(told)))  # noqa: T201


@app.command("beside")
def bench_beside(
    seconds: Annotated[float, typer.Option("--seconds", min=0.01, max=10, help="That a model takes for one turn.")] = 0.3,
    as_json: Json = False,
) -> None:
    """How long an agent's work takes with its guardrails, beside its model alone and the slower of both."""
    from portal.bench import beside as measuring

    _run(lambda: measuring.run(seconds=seconds), as_json)


@app.command("why")
def bench_why(
    simulations: Annotated[int, typer.Option("--simulations", min=1, help="Weeks that are drawn for each figure.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Where drawing starts.")] = 0,
    sentences: Annotated[bool, typer.Option("--sentences", help="Of the three sentences over all measures instead.")] = False,
    as_json: Json = False,
) -> None:
    """How often the part of the traffic that was made worse is named first, and how often nothing is said when nothing happened."""
    from portal.bench import why as measuring

    _run(lambda: (measuring.of_sentences if sentences else measuring.run)(simulations=simulations, seed=seed), as_json)


@app.command("coaching")
def bench_coaching(
    simulations: Annotated[int, typer.Option("--simulations", min=1, help="Teams that are drawn for each figure.")] = 500,
    people: Annotated[int, typer.Option("--people", min=3, help="Of each team.")] = 6,
    reviews: Annotated[int, typer.Option("--reviews", min=20, help="Of each person's conversations.")] = 160,
    seed: Annotated[int, typer.Option("--seed", help="Where drawing starts.")] = 0,
    as_json: Json = False,
) -> None:
    """How often coaching names somebody where all are alike, and how often it finds the one who differs."""
    from portal.bench import coaching as measuring

    _run(lambda: measuring.run(simulations=simulations, people=people, reviews=reviews, seed=seed), as_json)


@app.command("injections")
def bench_injections(
    data: Annotated[Path, typer.Option("--data", help="A folder with text_attack_train.json and email_train.jsonl.")], as_json: Json = False
) -> None:
    """What leaves of an agent whose model obeys every hidden text that it reads, by every way by which text reaches it."""
    from portal.bench import injections as measuring

    _run(lambda: measuring.run(data), as_json)


@app.command("guardrails")
def bench_guardrails(
    attacks: Annotated[Path | None, typer.Option("--attacks", help="{kind: [texts]}, or {text, kind}, one a line.")] = None,
    carriers: Annotated[
        Path | None, typer.Option("--carriers", help="{text or context}, one a line: mails that attacks are put into.")
    ] = None,
    conversations: Annotated[
        list[Path] | None, typer.Option("--conversations", help="Canonical, one a line: what is fine. May be repeated.")
    ] = None,
    articles: Annotated[Path | None, typer.Option("--articles", help="{content or body}, one a line.")] = None,
    replies: Annotated[
        Path | None, typer.Option("--replies", help="A folder with conversations.jsonl, with tool calls and labels, and policy.md.")
    ] = None,
    as_json: Json = False,
) -> None:
    """How much of what they are for the guardrails of agents find, and how often they stop what is fine."""
    from portal.bench import guardrails as measuring

    _run(lambda: measuring.run(attacks, carriers, conversations or (), articles, replies), as_json)


@app.command("retrieval")
def bench_retrieval(
    articles: Annotated[Path | None, typer.Option("--articles", help="{id, title, body or content}, one a line.")] = None,
    questions: Annotated[Path | None, typer.Option("--questions", help="{id, text or messages, relevant: [ids]}, one a line.")] = None,
    size: Annotated[int, typer.Option("--size", help="Also time a search in so many made-up passages.")] = 0,
    chunkings: Annotated[
        bool, typer.Option("--chunkings/--no-chunkings", help="Also cut the articles otherwise; that takes longest.")
    ] = True,
    as_json: Json = False,
) -> None:
    """How often the right article is found, rung by rung, with intervals; without files on conversations that are made here."""
    from portal.bench import retrieval as measuring

    told = measuring.run(articles, questions, size=size, chunkings=chunkings)
    if as_json:
        tell(told, as_json)
        return
    print("\n".join(measuring.table(told)))  # noqa: T201
    tell({name: value for name, value in told.items() if name not in ("rungs", "live")}, as_json)


@app.command("answers")
def bench_answers(
    articles: Annotated[Path | None, typer.Option("--articles", help="{id, title, body or content}, one a line.")] = None,
    questions: Annotated[
        Path | None, typer.Option("--questions", help="{id, text or messages, relevant: [ids]}; an empty list: no article answers it.")
    ] = None,
    train: Annotated[
        list[Path] | None, typer.Option("--train", help="Instead: {text, label}; articles are made of half the labels. May be repeated.")
    ] = None,
    test: Annotated[list[Path] | None, typer.Option("--test", help="... and the questions, one file for each --train.")] = None,
    target: Annotated[float, typer.Option("--target", help="So many of the answers given are to be right.")] = 0.95,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="So often, each time drawn anew.")] = 3,
    by_words: Annotated[bool, typer.Option("--by-words", help="Without the encoder.")] = False,
    size: Annotated[int, typer.Option("--size", help="Also time an answer among so many made-up passages.")] = 0,
    weights: Annotated[bool, typer.Option("--weights", help="Print what is learned from all of it, as it could ship.")] = False,
    as_json: Json = False,
) -> None:
    """Of the answers given, how many stand on the right article, where some questions have none: with its lower bound and coverage."""
    from portal.bench import answers as measuring

    asked = measuring.Measured(target, seeds, by_words, size, weights)
    _run(lambda: measuring.run(asked, articles, questions, train or (), test or ()), as_json)


@app.command("monitors")
def bench_monitors(
    simulations: Annotated[int, typer.Option(help="How many made-up worlds each figure is of.")] = 200, as_json: Json = False
) -> None:
    """How often monitors cry for nothing, and how soon they see a fall of ten points."""
    from portal.bench import monitors as measuring

    _run(lambda: measuring.run(simulations), as_json)
