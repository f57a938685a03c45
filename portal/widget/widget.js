// The chat on a product page: a button, a panel, messages. Everything that anybody wrote is text, never markup.
(() => {
  'use strict'
  const script = document.currentScript
  const surface = script && script.dataset.surface
  if (!surface || window.portalChat) return
  window.portalChat = true

  const WORDS = {
    en: {
      open: 'Write to us', close: 'Close the chat', title: 'Chat', label: 'Your message', send: 'Send', log: 'Messages', you: 'You',
      person: 'A person', machine: 'Automatic answer', hello: 'Write to us. The answer appears here, also when you come back later.',
      typing: 'An answer is being written', waits: 'A person will answer here. You can close this and come back.',
      failed: 'Not sent. Check the connection and send it again.', many: 'Not sent: that was a lot at once. Wait a minute and send it again.',
      away: 'The connection is interrupted. It is tried again.', gone: 'That conversation has ended. Write, and a new one begins.',
      anew: 'New conversation', sure: 'This one will not open here again. Begin anew', unread: n => `Write to us, ${n} new`,
    },
    de: {
      open: 'Schreiben Sie uns', close: 'Chat schließen', title: 'Chat', label: 'Ihre Nachricht', send: 'Senden', log: 'Nachrichten',
      you: 'Sie', person: 'Ein Mensch', machine: 'Automatische Antwort',
      hello: 'Schreiben Sie uns. Die Antwort erscheint hier, auch wenn Sie später wiederkommen.',
      typing: 'Eine Antwort wird geschrieben', waits: 'Hier antwortet Ihnen ein Mensch. Sie können schließen und wiederkommen.',
      failed: 'Nicht gesendet. Prüfen Sie die Verbindung und senden Sie noch einmal.',
      many: 'Nicht gesendet: Das war viel auf einmal. Senden Sie in einer Minute noch einmal.',
      away: 'Die Verbindung ist unterbrochen. Es wird wieder versucht.', gone: 'Diese Unterhaltung ist beendet. Schreiben Sie, und eine neue beginnt.',
      anew: 'Neue Unterhaltung', sure: 'Diese öffnet sich hier nicht mehr. Neu beginnen', unread: n => `Schreiben Sie uns, ${n} neu`,
    },
  }
  const language = (document.documentElement.lang || navigator.language || 'en').slice(0, 2).toLowerCase()
  const words = WORDS[language] || WORDS.en
  const base = new URL('/widget/v1/', script.src).href
  const { customer = '', signature = '', title = words.title } = script.dataset
  const SOON = 1200, SLOWEST = 20000, CLOSED = 15000  // milliseconds between two looks

  // -- what the browser keeps: the key of one conversation, for whoever it was begun as --------------------------------------------------
  const place = `portal-chat ${surface.slice(-16)}`
  const keep = value => { try { value ? localStorage.setItem(place, JSON.stringify(value)) : localStorage.removeItem(place) } catch { /* for this page only */ } }
  const kept = () => { try { return JSON.parse(localStorage.getItem(place)) } catch { return null } }
  let key = ''
  const before = kept()
  if (before && before.customer === customer) key = before.key || ''
  else if (before) keep(null)  // somebody else is signed in on this page now

  // -- the pieces -----------------------------------------------------------------------------------------------------------------------
  const make = (name, attributes = {}, ...inside) => {
    const made = document.createElement(name)
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
    made.append(...inside)
    return made
  }
  const drawing = path => {
    const made = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    made.setAttribute('viewBox', '0 0 24 24')
    made.setAttribute('aria-hidden', 'true')
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'path')
    line.setAttribute('d', path)
    made.append(line)
    return made
  }
  const host = make('portal-chat', { lang: WORDS[language] ? language : 'en' })
  const root = host.attachShadow({ mode: 'open' })
  const sheet = new CSSStyleSheet()
  sheet.replaceSync('%CSS%')
  root.adoptedStyleSheets = [sheet]

  const count = make('span', { class: 'count', 'aria-hidden': 'true', hidden: '' })
  const button = make('button', { class: 'open', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'panel', 'aria-label': words.open },
    drawing('M4 4h16v12H9l-5 4z'), count)
  const close = make('button', { class: 'quiet', type: 'button', 'aria-label': words.close }, drawing('M6 6l12 12M18 6L6 18'))
  const anew = make('button', { class: 'quiet words', type: 'button', hidden: '' }, words.anew)
  const log = make('div', { class: 'log', role: 'log', 'aria-live': 'polite', 'aria-label': words.log, tabindex: '0' }, make('p', { class: 'note' }, words.hello))
  const state = make('p', { class: 'state', role: 'status' })
  const field = make('textarea', { id: 'text', rows: '2', maxlength: '4000', placeholder: words.label })
  const send = make('button', { class: 'send', type: 'submit' }, words.send)
  const form = make('form', {}, make('label', { for: 'text', class: 'unseen' }, words.label), field, send)
  const panel = make('section', { id: 'panel', role: 'dialog', 'aria-label': title, hidden: '' },
    make('header', {}, make('h2', {}, title), anew, close), log, state, form)
  root.append(panel, button)

  // -- showing --------------------------------------------------------------------------------------------------------------------------
  const formed = text => {
    const made = make('div', { class: 'text' })
    text.split(/\*\*(.+?)\*\*/).forEach((part, number) => made.append(number % 2 ? make('strong', {}, part) : part))
    return made
  }
  const show = (who, text, at) => {
    const time = make('time', { datetime: at }, new Date(at).toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit' }))
    log.append(make('article', { class: who }, make('p', { class: 'who' }, `${words[who]} · `, time), formed(text)))
    log.scrollTop = log.scrollHeight
    anew.hidden = false
    last = who
  }
  const say = (told, moving = false) => {
    if (state.dataset.told === told) return  // said once, or a screen reader would repeat it
    state.dataset.told = told
    state.classList.toggle('typing', moving)
    state.textContent = told
    if (moving) state.append(make('span', { class: 'dots', 'aria-hidden': 'true' }))
  }
  const mark = number => {
    unread = number
    count.hidden = !number
    count.textContent = number > 9 ? '9+' : String(number)
    button.setAttribute('aria-label', number ? words.unread(number) : words.open)
  }

  // -- asking ---------------------------------------------------------------------------------------------------------------------------
  let after = 0, last = '', unread = 0, pause = SOON, timer = 0, sending = false, asking = false, half = null
  let mine = new Set()  // messages that are shown already, by their number
  const ask = async (path, body) => {
    const headers = { 'Portal-Surface': surface, ...(key && { 'Portal-Key': key }), ...(body && { 'Content-Type': 'application/json' }) }
    const answer = await fetch(base + path, { method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body), credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer' })
    if (answer.ok) return answer.json()
    throw Object.assign(new Error(`the chat was answered with ${answer.status}`), { status: answer.status })
  }
  const forget = told => {
    key = ''
    keep(null)
    after = 0
    last = ''
    mine = new Set()
    log.replaceChildren(make('p', { class: 'note' }, told))
    anew.hidden = true
    mark(0)
    say('')
  }
  const look = async () => {
    clearTimeout(timer)
    if (!key || sending || asking || document.hidden) return
    asking = true
    const whose = key
    try {
      const told = await ask(`messages?after=${after}`)
      if (whose === key) hear(told)
    } catch (fault) {
      if (fault.status === 404 && whose === key) forget(words.gone)
      else if (whose === key) say(words.away)
      pause = Math.min(pause * 2, 3 * SLOWEST)
    }
    asking = false
    later()
  }
  const hear = told => {
    for (const one of told.messages) {
      after = Math.max(after, one.seq)
      if (mine.has(one.seq)) continue
      show(one.who, one.text, one.at)
      if (panel.hidden && one.who !== 'you' && heardBefore) mark(unread + 1)
      pause = SOON
    }
    heardBefore = true
    pause = told.typing || told.messages.length ? SOON : Math.min(pause * 1.4, SLOWEST)
    say(told.typing ? words.typing : last === 'you' ? words.waits : '', told.typing)
  }
  let heardBefore = !key
  const later = () => {
    clearTimeout(timer)
    if (key) timer = setTimeout(look, panel.hidden && pause > SOON ? CLOSED : pause)
  }
  const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map(one => one.toString(16).padStart(2, '0')).join('')

  const write = async () => {
    const text = field.value.trim()
    if (!text || sending) return
    sending = true
    field.focus()  // the hand stays where it types
    if (!half || half.text !== text) half = { text, message: random() }  // sent again it has the same number, and is kept once
    try {
      const told = key ? await ask('messages', half) : await ask('conversations', { ...half, language, customer, signature })
      if (told.key) {
        key = told.key
        keep({ key, customer })
      }
      mine.add(told.seq)
      show('you', text, told.at)
      half = null
      field.value = ''
      say(words.typing, true)
    } catch (fault) {
      if (fault.status === 404) forget(words.gone)
      else say(fault.status === 429 ? words.many : words.failed)
    }
    sending = false
    pause = SOON
    later()
  }

  // -- what people do -------------------------------------------------------------------------------------------------------------------
  const turn = shown => {
    panel.hidden = !shown
    button.setAttribute('aria-expanded', String(shown))
    host.classList.toggle('shown', shown)
    if (shown) {
      mark(0)
      log.scrollTop = log.scrollHeight
      field.focus()
      pause = SOON
      look()
    } else button.focus()
  }
  button.addEventListener('click', () => turn(panel.hidden))
  close.addEventListener('click', () => turn(false))
  anew.addEventListener('click', () => {
    if (anew.textContent === words.anew) return void (anew.textContent = words.sure)
    anew.textContent = words.anew
    forget(words.hello)
    field.focus()
  })
  anew.addEventListener('blur', () => { anew.textContent = words.anew })
  panel.addEventListener('keydown', event => { if (event.key === 'Escape') turn(false) })
  field.addEventListener('keydown', event => {
    event.stopPropagation()  // the page's own keys rest while somebody types
    if (event.key === 'Escape') turn(false)
    else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault()
      write()
    }
  })
  form.addEventListener('submit', event => {
    event.preventDefault()
    write()
  })
  document.addEventListener('visibilitychange', look)
  const begin = () => {
    document.body.append(host)
    look()
  }
  document.body ? begin() : document.addEventListener('DOMContentLoaded', begin)
})()
