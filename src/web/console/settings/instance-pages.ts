import { AVAILABILITY_ATTRIBUTES } from '../../../clients/instance-attributes.ts'
import type { InstanceSettings } from '../../../clients/instance-settings.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import type { MailSummary } from '../../../mail/mail-summary.ts'
import {
  checkInstance,
  readInstance,
  readInstanceAvailability,
  setInstanceApi,
  updateInstance,
} from '../../../management/instance-operations.ts'
import { type FieldError, invalidInput, KeywrightError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { affectedBy } from '../kit/affected-callers.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { badgeCell, fact, textCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { revisionOf, submit } from '../kit/form-fields.ts'
import { compareVersions, formView } from '../kit/form-view.ts'
import { confirmPage } from '../kit/panels.ts'
import { mailBlock } from '../mail/mail-block.ts'
import { changesOf, fieldsFor, formOfInstance } from './instance-fields.ts'

const HERE = { href: '/settings/instance', label: 'Settings' }
const SWITCH = '/settings/instance/api'

const formFor = (settings: InstanceSettings, typed: Form, fieldErrors: readonly FieldError[]) =>
  formView({
    ...fieldsFor(settings),
    typed,
    fieldErrors,
    revision: settings.revision,
    action: HERE.href,
    submit: 'Save',
  })

const switchBlock = ({ apiEnabled }: InstanceSettings): Block => ({
  part: 'facts',
  heading: AVAILABILITY_ATTRIBUTES.apiEnabled.label,
  lead: 'When disabled, no tokens are issued and all tokens are revoked immediately. Users can still sign in to the console.',
  actions: [{ href: SWITCH, label: apiEnabled ? 'Disable…' : 'Enable…' }],
  facts: [fact('Status', apiEnabled ? badgeCell('success', 'Enabled') : badgeCell('error', 'Disabled'))],
})

const HEAD = {
  title: 'Settings',
  lead: 'Settings of the whole instance.',
  notices: {
    saved: 'Settings saved.',
    'api-off': 'API disabled. All tokens are revoked, and no new ones are issued.',
    'api-on': 'API enabled. Applications must request new tokens.',
  },
}

function settingsPage(
  settings: InstanceSettings,
  mail: MailSummary | undefined,
  typed = formOfInstance(settings),
  fieldErrors: readonly FieldError[] = [],
) {
  const form: Block = { part: 'form', form: formFor(settings, typed, fieldErrors) }
  const status = fieldErrors.length > 0 ? 400 : undefined
  return blocksPage(
    { ...HEAD, status },
    fieldErrors.length > 0 ? [form] : [form, mailBlock(mail), switchBlock(settings)],
  )
}

function stalePage(settings: InstanceSettings, typed: Form): ConsolePage {
  const { fields } = fieldsFor(settings)
  const versions = compareVersions(toConsoleEnglish(), fields, typed, formOfInstance(settings))
  const data = { form: formFor(settings, typed, []), versions, present: HERE.href }
  return { ...HEAD, view: 'console/edit', status: 412, data }
}

async function showSettings({ management, who, show }: ConsoleCall): Promise<void> {
  show(settingsPage(await readInstance(management, who, {}), management.mail))
}

async function saveSettings({ management, who, form, files, show, goTo, web }: ConsoleCall): Promise<void> {
  const settings = await readInstance(management, who, {})
  if (revisionOf(form) !== settings.revision) return show(stalePage(settings, form))
  try {
    const outcome = await submit(
      fieldsFor(settings).fields,
      { form, files },
      {
        prepare: (values) => ({ changes: changesOf(values) }),
        check: (input) => checkInstance(management, who, input),
        execute: (input) => updateInstance(management, who, { ...input, revision: revisionOf(form) }),
      },
    )
    if (outcome.fieldErrors) return show(settingsPage(settings, management.mail, form, outcome.fieldErrors))
  } catch (error) {
    if (!(error instanceof KeywrightError) || error.code !== 'stale') throw error
    return show(stalePage(await readInstance(management, who, {}), form))
  }
  web.reloadBrand()
  goTo('/settings/instance?notice=saved')
}

const OFF_STOPS = [
  'revoke all tokens of all clients immediately',
  'reject token requests of all applications and key pairs until the API is enabled',
  'cancel sign-ins that are in progress; existing consent is kept',
]

const ON_FOLLOWS = [
  'Applications and key pairs can get tokens with their existing credentials.',
  'Earlier tokens stay revoked: each client requests a new one.',
]

async function askSwitch({ management, who, show }: ConsoleCall): Promise<void> {
  const { apiEnabled, applications, keyPairs, activeTokens, affected } = await readInstanceAvailability(
    management,
    who,
    {},
  )
  const facts = [
    fact('Applications', textCell(countedUpTo(toConsoleEnglish(), applications, 'active application'))),
    fact('Key pairs', textCell(countedUpTo(toConsoleEnglish(), keyPairs, 'key pair'))),
    fact('Tokens', textCell(countedUpTo(toConsoleEnglish(), activeTokens, 'active token'))),
  ]
  show(
    confirmPage({
      title: apiEnabled ? 'Disable the API of the whole instance?' : 'Enable the API of the whole instance?',
      breadcrumbs: [HERE],
      text: apiEnabled ? 'This affects all accounts. Users can still sign in to the console.' : undefined,
      harmless: !apiEnabled,
      stops: apiEnabled ? OFF_STOPS : ON_FOLLOWS,
      facts,
      action: SWITCH,
      hidden: { to: apiEnabled ? 'off' : 'on' },
      submit: apiEnabled ? 'Disable API' : 'Enable API',
      keep: { href: HERE.href, label: 'Cancel' },
      ...(apiEnabled ? affectedBy(toConsoleEnglish(), affected) : {}),
    }),
  )
}

/** The form says which way, so that pressing twice does not switch back. */
async function switchApi({ management, who, form, goTo }: ConsoleCall): Promise<void> {
  const to = form.get('to') ?? ''
  if (!['on', 'off'].includes(to)) throw invalidInput('the form has no valid value for enabled')
  await setInstanceApi(management, who, { enabled: to === 'on' })
  goTo(`/settings/instance?notice=api-${to}`)
}

export const INSTANCE_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/settings/instance', permission: updateInstance.permission, handle: showSettings },
  {
    method: 'post',
    path: '/settings/instance',
    permission: updateInstance.permission,
    takesFiles: true,
    handle: saveSettings,
  },
  { method: 'get', path: SWITCH, permission: setInstanceApi.permission, handle: askSwitch },
  { method: 'post', path: SWITCH, permission: setInstanceApi.permission, handle: switchApi },
]
