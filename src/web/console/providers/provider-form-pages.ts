import type { IdentityProvider } from '../../../identity-providers/identity-providers.ts'
import { openReservedId, reserveProviderId } from '../../../identity-providers/reserved-provider-ids.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { readAccount } from '../../../management/account-operations.ts'
import {
  checkIdentityProvider,
  createIdentityProvider,
  updateIdentityProvider,
} from '../../../management/identity-provider-operations.ts'
import { type IdentityProviderOverview, readIdentityProvider } from '../../../management/identity-provider-reading.ts'
import { type FieldError, invalidInput } from '../../../shared/errors.ts'
import { isId } from '../../../shared/ids.ts'
import type { Form } from '../../forms.ts'
import { accountIn } from '../kit/account-filter.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { fact, linesCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { editSteps } from '../kit/edit-form-steps.ts'
import { attempt, submit, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { addressesBlock } from './provider-addresses-block.ts'
import { INITIAL, newProviderFields, providerFields, secretFields, sectionsOf } from './provider-fields.ts'
import { breadcrumbsTo, PROVIDERS_PATH, pathForAccount, providerPath, providersLink } from './provider-texts.ts'

/** The account of a new provider; null: the instance. */
interface Owner {
  readonly accountId: string | null
  /** For operators, who select it. */
  readonly accountName?: string
}

/** @throws KeywrightError `invalid_input`, `not_found` */
async function ownerOf({ who, management, form, query }: ConsoleCall): Promise<Owner> {
  if (who.role !== 'operator') return { accountId: who.accountId }
  const named = form.get('account') ?? accountIn({ query })
  if (named === undefined) return { accountId: null }
  if (!isId(named)) throw invalidInput('this is not an account ID', 'account')
  const { id, name } = await readAccount(management, who, { accountId: named })
  return { accountId: id, accountName: name }
}

const formOf = ({ t, who }: Pick<ConsoleCall, 't' | 'who'>, { accountId }: Owner) => ({
  t,
  isOperator: who.role === 'operator',
  accountId,
})

/** Where to find the issuer, as the providers document it. */
const issuersBlock = (t: ConsoleTranslate): Block => ({
  part: 'facts',
  heading: t('Issuers of common providers'),
  facts: [
    ['Microsoft Entra ID', 'https://login.microsoftonline.com/TENANT-ID/v2.0'],
    ['Okta', 'https://COMPANY.okta.com'],
    ['Google', 'https://accounts.google.com'],
    ['Keycloak', 'https://HOST/realms/REALM'],
  ].map(([name, issuer]) => fact(name!, linesCell([issuer!]))),
})

function leadOf({ t, who }: ConsoleCall, { accountName }: Owner): string {
  if (who.role !== 'operator')
    return t('Register a web application at your provider first. Only users of your account sign in through it.')
  return accountName === undefined
    ? t(
        'Register a web application at the provider first. The sign-in page offers the provider to the users of all accounts.',
      )
    : t('Register a web application at the provider first. Only users of the account {account} sign in through it.', {
        account: accountName,
      })
}

/** The ID that the form before had, so that its redirect URI stays; else a new one. */
function reservationOf({ management: { encryptionKeys }, form }: ConsoleCall, { accountId }: Owner) {
  const ticket = form.get('reservation')
  const id = ticket === undefined ? undefined : openReservedId(encryptionKeys, ticket, accountId)
  return id === undefined ? reserveProviderId(encryptionKeys, accountId) : { id, ticket: ticket! }
}

function newPage(call: ConsoleCall, owner: Owner, typed: Form, fieldErrors: readonly FieldError[] = []): ConsolePage {
  const { t } = call
  const { id, ticket: reservation } = reservationOf(call, owner)
  const selected = owner.accountName === undefined ? undefined : owner.accountId!
  const fields = newProviderFields(formOf(call, owner))
  const form = formView({
    fields,
    sections: sectionsOf(t, fields, true),
    typed,
    fieldErrors,
    action: providerPath('new'),
    submit: t('Add identity provider'),
    cancel: pathForAccount(PROVIDERS_PATH, selected),
    hidden: { reservation, ...(selected !== undefined && { account: selected }) },
  })
  const page = {
    title: t('Add identity provider'),
    lead: leadOf(call, owner),
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: [providersLink(t)],
  }
  return blocksPage(page, [addressesBlock(call, id), { part: 'form', form }, issuersBlock(t)])
}

export async function askProvider(call: ConsoleCall): Promise<void> {
  const owner = await ownerOf(call)
  call.show(newPage(call, owner, writeFields(providerFields(formOf(call, owner)), INITIAL)))
}

export async function addProvider(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, show, goTo } = call
  const owner = await ownerOf(call)
  const accountId = who.role === 'operator' ? (owner.accountId ?? undefined) : undefined
  const outcome = await submit(
    newProviderFields(formOf(call, owner)),
    { form, files },
    {
      prepare: (values) => values,
      check: (values) => checkIdentityProvider(management, who, values),
      execute: (values) =>
        createIdentityProvider(management, who, {
          ...(values as Parameters<typeof createIdentityProvider>[2]),
          accountId,
          reservation: form.get('reservation'),
        }),
    },
  )
  if (outcome.fieldErrors) return show(newPage(call, owner, form, outcome.fieldErrors))
  goTo(`${providerPath(outcome.done.id)}?notice=added`)
}

export const providerOf = ({ management, who, params }: ConsoleCall): Promise<IdentityProviderOverview> =>
  readIdentityProvider(management, who, { providerId: params.providerId! })

/** The fields depend on the provider. @param read the provider as it is now */
function editOf({ t, who }: ConsoleCall, current: IdentityProvider, read: () => Promise<IdentityProviderOverview>) {
  const fields = providerFields({ ...formOf({ t, who }, current), current })
  return editSteps({
    fieldsOf: () => fields,
    sectionsOf: () => sectionsOf(t, fields, false) as never,
    read,
    valuesOf: (provider: IdentityProviderOverview) => provider,
    check: ({ management }, values) => checkIdentityProvider(management, who, values),
    save: ({ management, params }, values, revision) =>
      updateIdentityProvider(management, who, { providerId: params.providerId!, ...values, revision }),
    frameOf: (provider) => ({
      title: t('Edit identity provider'),
      lead: t('Users who have signed in before keep their role.'),
      breadcrumbs: breadcrumbsTo(t, provider),
    }),
    pathOf: ({ id }) => providerPath(id),
  })
}

export async function askProviderChange(call: ConsoleCall): Promise<void> {
  const provider = await providerOf(call)
  await editOf(call, provider, async () => provider).show(call)
}

export async function changeProvider(call: ConsoleCall): Promise<void> {
  await editOf(call, await providerOf(call), () => providerOf(call)).save(call)
}

function secretPage(
  t: ConsoleTranslate,
  provider: IdentityProvider,
  fieldErrors: readonly FieldError[] = [],
): ConsolePage {
  const form = formView({
    fields: secretFields(t),
    fieldErrors,
    action: providerPath(provider.id, 'secret'),
    submit: t('Replace client secret'),
    cancel: providerPath(provider.id),
  })
  return {
    view: 'console/edit',
    title: t('Replace client secret'),
    lead: t('The next sign-in uses it. Sessions stay.'),
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: breadcrumbsTo(t, provider),
    data: { form },
  }
}

export async function askProviderSecret(call: ConsoleCall): Promise<void> {
  call.show(secretPage(call.t, await providerOf(call)))
}

export async function replaceProviderSecret(call: ConsoleCall): Promise<void> {
  const { t, management, who, params, show, goTo } = call
  const providerId = params.providerId!
  const outcome = await attempt(secretFields(t), call, ({ clientSecret }) =>
    updateIdentityProvider(management, who, { providerId, clientSecret }),
  )
  if (outcome.fieldErrors) return show(secretPage(t, await providerOf(call), outcome.fieldErrors))
  goTo(`${providerPath(providerId)}?notice=secret`)
}
