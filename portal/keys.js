// Keys press what is on the page. They rest while somebody types, and none does anything that cannot be undone.

const BUTTON = 'button:not([disabled])'
const FIELD = 'input:not([type="hidden"]), textarea'

const TYPED = new Set(['checkbox', 'radio', 'button', 'submit', 'range'])

function isTyping(element) {
  if (!(element instanceof HTMLElement)) return false
  if (element instanceof HTMLInputElement) return !TYPED.has(element.type)
  return element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement || element.isContentEditable
}

// the first of the widgets that is on the page, can be seen, and is not about to be taken away
function holder(names) {
  for (const name of names) {
    for (const found of document.querySelectorAll(`[class*="st-key-${CSS.escape(name)}"]`)) {
      if (found.getClientRects().length && !found.closest('[data-retained="true"]')) return found
    }
  }
  return null
}

function all(names) {
  const found = names.flatMap((name) => [...document.querySelectorAll(`[class*="st-key-${CSS.escape(name)}"] ${BUTTON}`)])
  return found.filter((one) => !one.closest('[data-retained="true"]'))
}

function isChosen(button) {
  return button.getAttribute('aria-checked') === 'true' || button.getAttribute('aria-pressed') === 'true'
    || Boolean(button.dataset.testid?.endsWith('Active'))
}

function focusOn(names, wait = 0) {
  const field = holder(names)?.querySelector(FIELD)
  if (field) {
    field.focus()
    if (field.setSelectionRange && field.value && field.type !== 'number') field.setSelectionRange(field.value.length, field.value.length)
  } else if (wait > 0) {
    setTimeout(() => focusOn(names, wait - 50), 50)
  }
  return Boolean(field)
}

const DOES = {
  press({ to, place, then }) {
    const button = holder(to)?.querySelectorAll(`${BUTTON}, a`)[place]
    if (button && !isChosen(button)) button.click()
    if (button && then) focusOn([then], 1000)
    return Boolean(button)
  },
  turn({ to }) {
    const answers = [...(holder(to)?.querySelectorAll(BUTTON) ?? [])]
    if (!answers.length) return false
    answers[(answers.findIndex(isChosen) + 1) % answers.length].click()
    return true
  },
  focus({ to }) {
    return focusOn(to)
  },
  open({ to }) {
    const field = holder(to)?.querySelector(FIELD)
    field?.focus()
    field?.click()
    return Boolean(field)
  },
  next({ to }) {
    return step(to, 1)
  },
  previous({ to }) {
    return step(to, -1)
  },
}

function step(names, by) {
  const items = all(names)
  if (!items.length) return false
  const now = items.findIndex((one) => one.dataset.testid?.includes('primary') || one.getAttribute('kind') === 'primary')
  const next = items[Math.min(items.length - 1, Math.max(0, now + by))]
  if (next !== items[now]) next.click()
  next.scrollIntoView({ block: 'nearest' })
  return true
}

function goTo(path) {
  const links = [...document.querySelectorAll('[data-testid="stSidebarNavLink"]')]
  const link = links.find((one) => new URL(one.href).pathname.split('/').pop() === path)
  if (link) link.click()
  else window.location.assign(`/${path}`)
}

function make(tag, words, into) {
  const element = document.createElement(tag)
  if (words) element.textContent = words
  into?.append(element)
  return element
}

function row(table, key, words) {
  const line = make('tr', '', table)
  make('kbd', key, make('td', '', line))
  make('td', words, line)
}

// what `?` shows: the map itself, in a dialog of the browser's own, which keeps the focus and gives it back
function showMap(data) {
  document.querySelector('dialog[data-portal-keys]')?.remove()
  const dialog = make('dialog', '', document.body)
  dialog.dataset.portalKeys = ''
  const look = getComputedStyle(document.querySelector('[data-testid="stApp"]'))
  Object.assign(dialog.style, {
    background: look.backgroundColor, color: look.color, font: look.font, fontFamily: look.fontFamily, colorScheme: look.colorScheme,
    border: '1px solid currentColor', borderRadius: '8px', padding: '20px 28px', width: 'min(1080px, 94vw)', boxSizing: 'border-box',
    fontSize: '.9rem', maxHeight: '94vh', overflow: 'auto',
  })
  dialog.setAttribute('aria-label', 'Keys')
  const head = make('div', '', dialog)
  Object.assign(head.style, { display: 'flex', justifyContent: 'space-between', alignItems: 'center' })
  const title = make('h2', 'Keys', head)
  Object.assign(title.style, { margin: '0', fontSize: '1.3rem' })
  const close = make('button', 'Close', head)
  Object.assign(close.style, { padding: '4px 14px', font: 'inherit', cursor: 'pointer' })
  close.addEventListener('click', () => dialog.close())
  make('p', data.quiet ? 'Single letters are switched off in your account.' : 'They rest while you type; Escape leaves a field.', dialog)
  const columns = make('div', '', dialog)
  Object.assign(columns.style, { display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(240px, auto))', gap: '4px 28px', justifyContent: 'space-between' })
  for (const group of ['Review', 'Everywhere', 'Go to']) {
    const part = make('section', '', columns)
    const heading = make('h3', group, part)
    Object.assign(heading.style, { fontSize: '1rem', margin: '8px 0' })
    const table = make('table', '', part)
    Object.assign(table.style, { borderSpacing: '0 1px', lineHeight: '1.3' })
    for (const key of data.keys) if (key.group === group && key.words) row(table, key.shown || key.key, key.words)
    if (group === 'Review') {
      row(table, 'Enter', 'Save, from the sentence')
      row(table, 'Ctrl+Enter', 'Save')
    }
    if (group === 'Everywhere') row(table, '?', 'This map')
    if (group === 'Go to') for (const [letter, page] of Object.entries(data.pages)) row(table, `g ${letter}`, page.title)
    for (const kbd of table.querySelectorAll('kbd')) {
      Object.assign(kbd.style, {
        display: 'inline-block', minWidth: '1.4em', padding: '1px 6px', margin: '2px 10px 2px 0', border: '1px solid currentColor',
        borderRadius: '4px', fontFamily: 'inherit', fontSize: '.85em', textAlign: 'center', whiteSpace: 'nowrap',
      })
    }
  }
  dialog.addEventListener('close', () => dialog.remove())
  dialog.showModal()
}

// of the widget that was meant and of no other: meanwhile the page may be drawn anew, and its button be another element
function pressSoon(key, wait) {
  const button = document.querySelector(`.${CSS.escape(key)} ${BUTTON}`)
  if (button) button.click()
  else if (wait > 0) setTimeout(() => pressSoon(key, wait - 50), 50)
}

function save(data, field) {
  const place = holder(data.save)
  if (!place?.querySelector(BUTTON)) return false
  const key = [...place.classList].find((one) => one.startsWith('st-key-'))
  field?.blur() // what was typed is told to the server first
  setTimeout(() => pressSoon(key, 1000), 0)
  return true
}

let current = null
let waitsForPage = false

function pressed(event) {
  const data = current
  if (!data || event.isComposing || event.repeat && !'jk'.includes(event.key)) return
  const at = event.composedPath()[0]
  const typing = isTyping(at)
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    if (save(data, typing ? at : null)) event.preventDefault()
    return
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (typing) return whileTyping(event, at, data)
  if (event.key === 'Enter' && at instanceof Element && at.closest('button, a, summary, [role="button"]')) return // it presses that
  if (data.quiet && event.key !== '?') return
  if (document.querySelector('dialog[open], [role="dialog"]:not([data-testid="stPopoverBody"])')) return
  if (event.key === '?') showMap(data)
  else if (waitsForPage) {
    waitsForPage = false
    const page = data.pages[event.key]
    if (!page) return
    goTo(page.path)
  } else if (event.key === 'g') {
    waitsForPage = true
    setTimeout(() => { waitsForPage = false }, 1500)
  } else {
    const key = data.keys.find((one) => one.key === event.key)
    if (!key) return
    if (!DOES[key.does](key)) {
      if (!key.elsewhere) return
      goTo(key.elsewhere)
      focusOn(key.to, 4000)
    }
  }
  event.preventDefault()
  event.stopImmediatePropagation()
}

// letters are keys again, and Tab goes on from here: after a mere blur it would begin with the page anew
function leave(field) {
  const around = field.closest('[data-testid="stElementContainer"]')
  if (!around || document.activeElement !== field) return field.blur()
  around.tabIndex = -1
  around.focus({ preventScroll: true })
}

function whileTyping(event, field, data) {
  const isIn = (names) => names.some((name) => field.closest(`[class*="st-key-${CSS.escape(name)}"]`))
  if (event.key === 'Escape') setTimeout(() => leave(field), 0)
  else if (event.key === 'Enter' && isIn(data.enter)) save(data, field)
  else if (event.key === 'Enter' && field.getAttribute('role') === 'combobox') setTimeout(() => leave(field), 80)
}

let latest = 0

export default function (component) {
  const mine = ++latest // drawn anew, the one before may be taken down after this one came
  current = component.data
  document.documentElement.dataset.keys = current.quiet ? 'quiet' : 'heard'
  document.addEventListener('keydown', pressed, true)
  return () => {
    if (mine !== latest) return
    document.removeEventListener('keydown', pressed, true)
    current = null
  }
}
