import { AVAILABILITY_ATTRIBUTES } from '../../../clients/instance-attributes.ts'
import type { InstanceSettings } from '../../../clients/instance-settings.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
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
import { changesOf, fieldsFor, formOfInstance, withAccount } from './instance-fields.ts'
import { statementsBlock } from './software-statement-pages.ts'

const HERE = '/settings/instance'
const SWITCH = '/settings/instance/api'

const formFor = (t: ConsoleTranslate, settings: InstanceSettings, typed: Form, fieldErrors: readonly FieldError[]) =>
  formView({
    ...fieldsFor(t, settings),
    typed,
    fieldErrors,
    revision: settings.revision,
    action: HERE,
    submit: t('Save'),
  })

const switchBlock = (t: ConsoleTranslate, { apiEnabled }: InstanceSettings): Block => ({
  part: 'facts',
  heading: t.declared(AVAILABILITY_ATTRIBUTES.apiEnabled.label),
  lead: t(
    'When disabled, no tokens are issued and all tokens are revoked immediately. Users can still sign in to the console.',
  ),
  actions: [{ href: SWITCH, label: apiEnabled ? t('Disable…') : t('Enable…') }],
  facts: [fact(t('Status'), apiEnabled ? badgeCell('success', t('Enabled')) : badgeCell('error', t('Disabled')))],
})

const headOf = (t: ConsoleTranslate) => ({
  title: t('Settings'),
  lead: t('Settings of the whole instance.'),
  notices: {
    saved: t('Settings saved.'),
    'api-off': t('API disabled. All tokens are revoked, and no new ones are issued.'),
    'api-on': t('API enabled. Applications must request new tokens.'),
  },
})

function settingsPage(
  t: ConsoleTranslate,
  settings: InstanceSettings,
  mail: MailSummary | undefined,
  typed = formOfInstance(t, settings),
  fieldErrors: readonly FieldError[] = [],
) {
  const form: Block = { part: 'form', form: formFor(t, settings, typed, fieldErrors) }
  const status = fieldErrors.length > 0 ? 400 : undefined
  return blocksPage(
    { ...headOf(t), status },
    fieldErrors.length > 0 ? [form] : [form, statementsBlock(t), mailBlock(t, mail), switchBlock(t, settings)],
  )
}

function stalePage(t: ConsoleTranslate, settings: InstanceSettings, typed: Form): ConsolePage {
  const { fields } = fieldsFor(t, settings)
  const versions = compareVersions(t, fields, typed, formOfInstance(t, settings))
  const data = { form: formFor(t, settings, typed, []), versions, present: HERE }
  return { ...headOf(t), view: 'console/edit', status: 412, data }
}

async function showSettings({ t, management, who, show }: ConsoleCall): Promise<void> {
  show(settingsPage(t, await readInstance(management, who, {}), management.mail))
}

async function saveSettings(call: ConsoleCall): Promise<void> {
  const { t, management, who, form, files, show, goTo, web } = call
  const settings = await readInstance(management, who, {})
  if (revisionOf(form) !== settings.revision) return show(stalePage(t, settings, form))
  try {
    const outcome = await submit(
      fieldsFor(t, settings).fields,
      { form, files },
      {
        prepare: async (values, fieldErrors) => {
          const changes = changesOf(values)
          const found = await fieldErrors.collect(() => withAccount(call, changes))
          const { openRegistrationAccount: _, ...others } = changes
          return { changes: found ?? others }
        },
        check: (input) => checkInstance(management, who, input),
        execute: (input) => updateInstance(management, who, { ...input, revision: revisionOf(form) }),
      },
    )
    if (outcome.fieldErrors) return show(settingsPage(t, settings, management.mail, form, outcome.fieldErrors))
  } catch (error) {
    if (!(error instanceof KeywrightError) || error.code !== 'stale') throw error
    return show(stalePage(t, await readInstance(management, who, {}), form))
  }
  web.reloadBrand()
  goTo('/settings/instance?notice=saved')
}

const OFF_STOPS = [
  'revoke all tokens of all clients immediately',
  'reject token requests of all applications and key pairs until the API is enabled',
  'cancel sign-ins that are in progress; existing consent is kept',
] as const satisfies readonly ConsoleText[]

const ON_FOLLOWS = [
  'Applications and key pairs can get tokens with their existing credentials.',
  'Earlier tokens stay revoked: each client requests a new one.',
] as const satisfies readonly ConsoleText[]

async function askSwitch({ t, management, who, show }: ConsoleCall): Promise<void> {
  const { apiEnabled, applications, keyPairs, activeTokens, affected } = await readInstanceAvailability(
    management,
    who,
    {},
  )
  const facts = [
    fact(t('Applications'), textCell(countedUpTo(t, applications, 'active application'))),
    fact(t('Key pairs'), textCell(countedUpTo(t, keyPairs, 'key pair'))),
    fact(t('Tokens'), textCell(countedUpTo(t, activeTokens, 'active token'))),
  ]
  show(
    confirmPage({
      title: apiEnabled ? t('Disable the API of the whole instance?') : t('Enable the API of the whole instance?'),
      breadcrumbs: [{ href: HERE, label: t('Settings') }],
      text: apiEnabled ? t('This affects all accounts. Users can still sign in to the console.') : undefined,
      harmless: !apiEnabled,
      stops: (apiEnabled ? OFF_STOPS : ON_FOLLOWS).map((one) => t(one)),
      facts,
      action: SWITCH,
      hidden: { to: apiEnabled ? 'off' : 'on' },
      submit: apiEnabled ? t('Disable API') : t('Enable API'),
      keep: { href: HERE, label: t('Cancel') },
      ...(apiEnabled ? affectedBy(t, affected) : {}),
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
