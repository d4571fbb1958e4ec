// Only an improvement: every page is whole without it, and what can be copied can be selected.

const spoken = document.getElementById('spoken')

// How long a button says that it has copied, in milliseconds.
const SAID_FOR = 2000

/** Without TLS a browser keeps its clipboard from pages; the old way is left then. */
function copyTheOldWay(text) {
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'visually-hidden'
  document.body.append(area)
  area.select()
  const copied = document.execCommand('copy')
  area.remove()
  return copied
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyTheOldWay(text)
  }
}

async function copyAndSay(button) {
  const copied = await copy(button.dataset.copy)
  button.focus()
  spoken.textContent = copied ? spoken.dataset.copied : spoken.dataset.blocked
  if (!copied) return
  button.classList.add('copied')
  setTimeout(() => {
    button.classList.remove('copied')
    spoken.textContent = ''
  }, SAID_FOR)
}

function showCopyButtons(root) {
  for (const button of root.querySelectorAll('button[data-copy]')) {
    button.hidden = false
    button.addEventListener('click', () => copyAndSay(button))
  }
}

showCopyButtons(document)

for (const field of document.querySelectorAll('.copy-row input[readonly]')) {
  field.addEventListener('focus', () => field.select())
}

// A menu that stays open behind the page that it led back to would hide it.
const menu = document.querySelector('.menu')
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || !menu?.open) return
  menu.open = false
  menu.querySelector('summary').focus()
})

// A live page fetches itself and takes over what changed. Without this script its link reloads it.
const live = document.querySelector('[data-live]')
const liveState = document.querySelector('[data-live-state]')

// Milliseconds between two updates, and how long a page that stays open is updated.
const UPDATE_EVERY = 3000
const UPDATED_FOR = 15 * 60 * 1000

async function readLive() {
  const response = await fetch(location.href, { headers: { accept: 'text/html' }, redirect: 'error' })
  if (!response.ok) throw new Error(`status ${response.status}`)
  return new DOMParser().parseFromString(await response.text(), 'text/html').querySelector('[data-live]')
}

/** Waits while somebody uses a link or selects text in the part that would be replaced. */
function takeOver(fresh) {
  if (live.contains(document.activeElement) || !document.getSelection().isCollapsed) return
  showCopyButtons(fresh)
  live.replaceChildren(...fresh.children)
}

async function updateLive(until) {
  if (Date.now() > until) return
  try {
    if (!document.hidden) takeOver(await readLive())
    liveState.hidden = true
  } catch {
    liveState.hidden = false
  }
  setTimeout(updateLive, UPDATE_EVERY, until)
}

if (live) setTimeout(updateLive, UPDATE_EVERY, Date.now() + UPDATED_FOR)
