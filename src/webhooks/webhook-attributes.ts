import { AUDIT_ACTIONS } from '../audit/audit-actions.ts'
import { attribute, choice, nullable, text, uriUpTo, words } from '../shared/attributes.ts'
import { nameError } from '../shared/names.ts'
import { isLoopbackHost } from '../shared/networks.ts'

const LONGEST_URL = 2000

/**
 * What is wrong with the URL of a receiver. `http` only for this machine, for development: a server calls its own machine only
 * if OUTGOING_ALLOW names it.
 */
function receiverUrlError(value: string): string | undefined {
  const url = URL.parse(value)
  if (value.length > LONGEST_URL) return `the URL has at most ${LONGEST_URL} characters`
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname))
  if (!url || !isSafe) return 'the URL must begin with https://; http:// is for localhost'
  if (url.username || url.password) return 'the URL must not contain a user name or password'
  return value.includes('#') ? 'the URL must not contain a fragment' : undefined
}

function actionsError(actions: readonly string[]): string | undefined {
  if (actions.length === 0) return 'select at least one event, or all events'
  const unknown = actions.filter((action) => !(AUDIT_ACTIONS as readonly string[]).includes(action))
  return unknown.length === 0 ? undefined : `there is no event ${unknown.slice(0, 3).join(', ').slice(0, 200)}`
}

/**
 * The attributes of a webhook, each declared once. Its column, the fields of the API, the form and the detail page, the CLI
 * option, and *old → new* in the activity log derive from it.
 */
export const WEBHOOK_ATTRIBUTES = {
  name: attribute({
    type: text(200),
    section: 'webhook',
    label: 'Name',
    hint: 'Shown in the list of webhooks.',
    description: 'A name for people',
    example: 'Billing system',
    option: { help: 'Name of the webhook' },
    validate: (name) => nameError('the name of a webhook', name, 200),
  }),
  url: attribute({
    type: uriUpTo(LONGEST_URL),
    section: 'webhook',
    label: 'URL',
    hint: 'Keywright sends each event to this address as an HTTPS POST request.',
    placeholder: 'https://example.com/webhooks/keywright',
    description: 'The https URL that receives the events; http only for localhost',
    example: 'https://example.com/webhooks/keywright',
    option: { help: 'https URL that receives the events; http only for localhost' },
    validate: receiverUrlError,
  }),
  /** Null: all, also those of later versions. */
  actions: attribute({
    type: nullable(words, 'all events'),
    initial: null,
    section: 'events',
    label: 'Events',
    description: 'The actions of the events that it receives; null: all events',
    example: ['client.archived', 'key_pair.generated'],
    option: {
      flag: 'events',
      jsonName: 'events',
      help: 'Events to send, space-separated; default: all',
      nullWord: 'all',
    },
    validate: actionsError,
  }),
}

export type DisabledReason = 'by_user' | 'failing' | 'gone'

/** What operations of their own change. */
export const WEBHOOK_STATUS_ATTRIBUTES = {
  status: attribute({
    type: choice<'enabled' | 'disabled'>([
      { value: 'enabled', label: 'Enabled' },
      { value: 'disabled', label: 'Disabled' },
    ]),
    initial: 'enabled',
    section: 'status',
    label: 'Status',
    description: 'disabled: it receives nothing; events that occur meanwhile are not delivered later',
  }),
  disabledReason: attribute({
    type: nullable(
      choice<DisabledReason>([
        { value: 'by_user', label: 'Disabled by a user' },
        { value: 'failing', label: 'The receiver failed for five days' },
        { value: 'gone', label: 'The receiver responded 410 Gone' },
      ]),
      'none',
    ),
    initial: null,
    section: 'status',
    label: 'Reason',
    description:
      'Why it is disabled: by_user; failing (no successful delivery for five days); gone (a response 410); null: it is enabled',
  }),
}
