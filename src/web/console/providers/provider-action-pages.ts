import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import {
  deleteIdentityProvider,
  setIdentityProviderStatus,
  testIdentityProvider,
} from '../../../management/identity-provider-operations.ts'
import type { IdentityProviderOverview } from '../../../management/identity-provider-reading.ts'
import { type FieldError, invalidInput } from '../../../shared/errors.ts'
import { fact, textCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { attempt } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { type ConfirmOptions, confirmPage } from '../kit/panels.ts'
import { choiceIn } from '../kit/query-fields.ts'
import { providerOf } from './provider-form-pages.ts'
import { breadcrumbsTo, PROVIDERS_PATH, providerPath } from './provider-texts.ts'

type Asking = Pick<ConfirmOptions, 'title' | 'stops' | 'submit'> & Partial<ConfirmOptions>

const askPage = (t: ConsoleTranslate, provider: IdentityProviderOverview, step: string, asking: Asking): ConsolePage =>
  confirmPage({
    breadcrumbs: breadcrumbsTo(t, provider),
    action: providerPath(provider.id, step),
    keep: { href: providerPath(provider.id), label: t('Cancel') },
    ...asking,
  })

const usersFact = (t: ConsoleTranslate, { users }: IdentityProviderOverview) =>
  fact(t('Connected users'), textCell(countedUpTo(t, users, 'user')))

export async function askProviderStatus(call: ConsoleCall): Promise<void> {
  const { t } = call
  const provider = await providerOf(call)
  const { name, status } = provider
  if (status === 'disabled') {
    const stops = [t('Users sign in through it again.'), t('Sessions that ended stay ended.')]
    const asking = {
      title: t('Enable {name}?', { name }),
      submit: t('Enable identity provider'),
      harmless: true,
      stops,
    }
    return call.show(askPage(t, provider, 'status', { ...asking, hidden: { status: 'enabled' } }))
  }
  const stops = [
    t('stop sign-ins through it, at once'),
    t('end all sessions that began with it, also yours if you signed in through it'),
    t('keep the users, who can sign in in other ways that they have'),
  ]
  const asking = { title: t('Disable {name}?', { name }), submit: t('Disable identity provider'), stops }
  const facts = [usersFact(t, provider)]
  call.show(askPage(t, provider, 'status', { ...asking, facts, hidden: { status: 'disabled' } }))
}

export async function changeProviderStatus({ management, who, params, form, goTo }: ConsoleCall): Promise<void> {
  const status = choiceIn(form, 'status', ['enabled', 'disabled'])
  if (!status) throw invalidInput('the form names no status')
  const { id } = await setIdentityProviderStatus(management, who, { providerId: params.providerId!, status })
  goTo(`${providerPath(id)}?notice=${status}`)
}

export async function askProviderDeletion(call: ConsoleCall): Promise<void> {
  const { t } = call
  const provider = await providerOf(call)
  const { name } = provider
  call.show(
    askPage(t, provider, 'delete', {
      title: t('Delete {name}?', { name }),
      text: t('You cannot undo this.'),
      submit: t('Delete identity provider'),
      stops: [
        t('stop sign-ins through it, at once'),
        t('end all sessions that began with it, also yours if you signed in through it'),
        t('disconnect its users: their identities are deleted, the users stay'),
        t('remove its email domains'),
      ],
      facts: [usersFact(t, provider)],
    }),
  )
}

export async function deleteProvider({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  await deleteIdentityProvider(management, who, { providerId: params.providerId! })
  goTo(`${PROVIDERS_PATH}?notice=deleted`)
}

function testPage(
  t: ConsoleTranslate,
  provider: IdentityProviderOverview,
  fieldErrors: readonly FieldError[] = [],
): ConsolePage {
  const asking = {
    title: t('Test the connection?'),
    submit: t('Test connection'),
    harmless: true,
    stops: [
      t('The settings of the provider are read at {issuer}.', { issuer: provider.issuer }),
      t('Nothing changes.'),
    ],
  }
  if (fieldErrors.length === 0) return askPage(t, provider, 'test', asking)
  const form = formView({
    fields: {},
    fieldErrors,
    errorHeading: t('The provider cannot be used'),
    action: providerPath(provider.id, 'test'),
    submit: t('Test connection'),
    cancel: providerPath(provider.id),
  })
  return askPage(t, provider, 'test', { ...asking, status: 400, form })
}

export async function askProviderTest(call: ConsoleCall): Promise<void> {
  call.show(testPage(call.t, await providerOf(call)))
}

export async function testProvider(call: ConsoleCall): Promise<void> {
  const { t, management, who, params, show, goTo } = call
  const providerId = params.providerId!
  const outcome = await attempt({}, call, () => testIdentityProvider(management, who, { providerId }))
  if (outcome.fieldErrors) return show(testPage(t, await providerOf(call), outcome.fieldErrors))
  goTo(`${providerPath(providerId)}?notice=reachable`)
}
