// Draws a conversation. Every word becomes a text node: no text is ever read as HTML, as a link or as a picture.

function make(tag, className, ...children) {
    const made = document.createElement(tag)
    if (className) made.className = className
    made.append(...children)  // a string becomes a text node
    return made
}

function icon(name) {
    const made = make("span", "icon", name)
    made.setAttribute("aria-hidden", "true")
    made.translate = false
    return made
}

/** Text as it was written; every second run stands for something that was replaced when it came in. */
function text(runs, className) {
    const made = make("div", className)
    made.dir = "auto"
    runs.forEach((run, place) => {
        if (place % 2 === 0) return made.append(run)
        const chip = make("span", "replaced", run)
        chip.title = "Replaced when it came in"
        made.append(chip)
    })
    return made
}

function part(told) {
    if (told.fold === undefined) return text(told.runs, "text")
    const title = make("span", "title", told.fold)
    title.dir = "auto"
    const summary = make("summary", "", icon(told.icon), title, icon("chevron_right"))
    return make("details", "", summary, text(told.runs, "text folded"))
}

function heading(message) {
    const made = make("div", "heading", icon(message.icon), make("bdi", "who", message.who), " ")
    if (message.into) {
        const into = make("span", "into", message.into)
        into.title = message.into + " into the call"
        made.append(into, " ")
    }
    const time = make("time", "", message.time)
    time.title = message.exact
    made.append(time)
    for (const mark of message.marks) made.append(" ", make("span", "mark", icon(mark.icon), mark.words))
    return made
}

function item(message) {
    const kinds = [message.side, message.private && "private", message.gone && "gone"].filter(Boolean).join(" ")
    const made = make("li", kinds, heading(message))
    if (message.parts.length) made.append(make("div", "bubble", ...message.parts.map(part)))
    return made
}

function drawn(data) {
    const list = make("ol", data.channel)
    list.setAttribute("role", "list")  // a list without bullets is still one
    for (const message of data.messages) {
        if (message.day) list.append(make("li", "day", message.day))
        list.append(item(message))
    }
    if (data.subject.join("") === "") return [list]
    const subject = text(data.subject, "subject")
    subject.prepend(make("span", "label", "Subject: "))
    return [subject, list]
}

function regionIn(root) {
    const found = root.querySelector(".transcript")
    if (found) return found
    const made = make("div", "transcript")
    root.append(made)
    return made
}

function scrolls(region, height) {
    region.classList.add("scrolls")
    region.style.maxHeight = height + "px"
    region.tabIndex = 0
    region.setAttribute("role", "region")
    region.setAttribute("aria-label", "The conversation")
}

// whoever works by keys has just saved, and what had the focus goes with it: they go on where the next one is read
function catchFocus(region, until) {
    if (!region.isConnected || performance.now() > until) return
    if (document.activeElement === null || document.activeElement === document.body) region.focus({ preventScroll: true })
    else setTimeout(() => catchFocus(region, until), 40)
}

const shown = new WeakMap()  // of each place on a page: what stands there

export default function ({ data, parentElement }) {
    const region = regionIn(parentElement)
    const before = shown.get(region), now = { id: data.id, all: JSON.stringify(data) }
    if (before && before.all === now.all) return
    shown.set(region, now)
    const same = before !== undefined && before.id === now.id
    const top = region.scrollTop
    const opened = same ? [...region.querySelectorAll("details")].map(one => one.open) : []
    if (data.height) scrolls(region, data.height)
    region.replaceChildren(...drawn(data))
    region.querySelectorAll("details").forEach((one, place) => { one.open = opened[place] === true })
    region.scrollTop = same ? top : data.end ? region.scrollHeight : 0  // beside an answer, what is being answered is in sight
    if (before && !same && data.height) catchFocus(region, performance.now() + 2000)
    if (before && !same && !data.height) parentElement.host?.closest('[data-testid="stMain"]')?.scrollTo(0, 0)
}
