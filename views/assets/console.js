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
  spoken.textContent = copied ? 'Copied' : 'Copying is blocked by your browser. Select the text instead.'
  if (!copied) return
  button.classList.add('copied')
  setTimeout(() => {
    button.classList.remove('copied')
    spoken.textContent = ''
  }, SAID_FOR)
}

for (const button of document.querySelectorAll('button[data-copy]')) {
  button.hidden = false
  button.addEventListener('click', () => copyAndSay(button))
}

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
