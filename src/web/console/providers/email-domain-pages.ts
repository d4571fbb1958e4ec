import { type EmailDomain, normalizedDomain } from '../../../identity-providers/email-domains.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import {
  addEmailDomain,
  recordName,
  recordValue,
  removeEmailDomain,
  verifyEmailDomain,
} from '../../../management/email-domain-operations.ts'
import type { IdentityProviderOverview } from '../../../management/identity-provider-reading.ts'
import { type FieldError, notFound } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { fact, idCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsolePage, PageLink } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { confirmPage } from '../kit/panels.ts'
import { textField } from '../kit/text-fields.ts'
import { providerOf } from './provider-form-pages.ts'
import { breadcrumbsTo, domainBadge, domainPath, providerPath } from './provider-texts.ts'

const fieldsOf = (t: ConsoleTranslate) => ({
  domain: textField({
    label: t('Email domain'),
    hint: t('What follows the @ in the addresses of your users.'),
    placeholder: 'example.com',
    required: true,
    mono: true,
    maxLength: 253,
    inputMode: 'url',
  }),
})

function newPage(
  t: ConsoleTranslate,
  provider: IdentityProviderOverview,
  typed?: Form,
  fieldErrors: readonly FieldError[] = [],
): ConsolePage {
  const form = formView({
    fields: fieldsOf(t),
    ...(typed && { typed }),
    fieldErrors,
    action: providerPath(provider.id, 'domains/new'),
    submit: t('Add email domain'),
    cancel: providerPath(provider.id),
  })
  return {
    view: 'console/edit',
    title: t('Add email domain'),
    lead: t('After you verify the domain, its addresses lead to the provider.'),
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: breadcrumbsTo(t, provider),
    data: { form },
  }
}

export async function askDomain(call: ConsoleCall): Promise<void> {
  call.show(newPage(call.t, await providerOf(call)))
}

export async function addDomain(call: ConsoleCall): Promise<void> {
  const { t, management, who, params, form, show, goTo } = call
  const providerId = params.providerId!
  const outcome = await attempt(fieldsOf(t), call, ({ domain }) =>
    addEmailDomain(management, who, { providerId, domain }),
  )
  if (outcome.fieldErrors) return show(newPage(t, await providerOf(call), form, outcome.fieldErrors))
  goTo(`${domainPath(providerId, normalizedDomain(form.get('domain') ?? ''))}?notice=added`)
}

interface Place {
  readonly provider: IdentityProviderOverview
  readonly domain: EmailDomain
}

/** @throws KeywrightError `not_found` */
async function placeOf(call: ConsoleCall): Promise<Place> {
  const provider = await providerOf(call)
  const domain = provider.domains.find((one) => one.domain === call.params.domain)
  if (!domain) throw notFound('email domain', call.params.domain!)
  return { provider, domain }
}

function recordBlock(t: ConsoleTranslate, { provider, domain: { domain } }: Place): Block {
  return {
    part: 'facts',
    heading: t('TXT record'),
    lead: t('Publish this record in the DNS of the domain, then verify it. Changes in DNS can take an hour.'),
    facts: [
      fact(t('Type'), textCell('TXT')),
      fact(t('Name'), idCell(recordName(domain), t('name of the record'))),
      fact(t('Value'), idCell(recordValue(provider.id), t('value of the record'))),
    ],
  }
}

/** Operators assert that a domain belongs to the account; for others, DNS decides. */
function verificationBlock(
  { t, who }: ConsoleCall,
  { provider, domain: { domain } }: Place,
  fieldErrors: readonly FieldError[],
): Block {
  const form = formView({
    fields: {},
    sections: [],
    fieldErrors,
    errorHeading: t('The domain is not verified'),
    action: domainPath(provider.id, domain, 'verify'),
    submit: t('Verify now'),
  })
  if (who.role !== 'operator') return { part: 'form', form }
  const lead = t(
    'As an operator, you can verify it without the record. You then vouch that the domain belongs to the users of the provider.',
  )
  return { part: 'form', form, heading: t('Verify as an operator'), lead }
}

const removalOf = (t: ConsoleTranslate, { provider, domain: { domain } }: Place): Block => ({
  part: 'changes',
  heading: t('Manage'),
  changes: [
    {
      title: t('Remove email domain'),
      text: t('Its addresses no longer lead to the provider.'),
      action: { href: domainPath(provider.id, domain, 'remove'), label: t('Remove…'), danger: true },
    },
  ],
})

function domainPage(call: ConsoleCall, place: Place, fieldErrors: readonly FieldError[] = []): ConsolePage {
  const { t } = call
  const { provider, domain } = place
  const page = {
    title: domain.domain,
    badge: domainBadge(t, domain),
    breadcrumbs: breadcrumbsTo(t, provider),
    status: fieldErrors.length > 0 ? 400 : undefined,
    warning:
      domain.verifiedElsewhere && domain.verifiedAt === null
        ? t('The domain is verified for another identity provider. Remove it there first.')
        : undefined,
    notices: {
      added: t('Email domain added. Now verify it.'),
      verified: t('Email domain verified. Its addresses lead to the provider.'),
    },
  }
  if (domain.verifiedAt !== null) {
    const facts = [fact(t('Verified'), timeCell(domain.verifiedAt))]
    return blocksPage(page, [{ part: 'facts', facts }, removalOf(t, place)])
  }
  const verification = verificationBlock(call, place, fieldErrors)
  return blocksPage(page, [recordBlock(t, place), verification, removalOf(t, place)])
}

export async function showDomain(call: ConsoleCall): Promise<void> {
  call.show(domainPage(call, await placeOf(call)))
}

export async function verifyDomainNow(call: ConsoleCall): Promise<void> {
  const { management, who } = call
  const place = await placeOf(call)
  const request = { providerId: place.provider.id, domain: place.domain.domain }
  const { fieldErrors } = await attempt({}, call, () => verifyEmailDomain(management, who, request))
  if (fieldErrors) return call.show(domainPage(call, place, fieldErrors))
  call.goTo(`${domainPath(place.provider.id, place.domain.domain)}?notice=verified`)
}

export async function askDomainRemoval(call: ConsoleCall): Promise<void> {
  const { t } = call
  const { provider, domain } = await placeOf(call)
  const toDomain: PageLink = { href: domainPath(provider.id, domain.domain), label: domain.domain }
  call.show(
    confirmPage({
      title: t('Remove {domain}?', { domain: domain.domain }),
      breadcrumbs: [...breadcrumbsTo(t, provider), toDomain],
      stops: [
        t('no longer lead addresses of this domain to the provider'),
        t('no longer count addresses of this domain as verified at the provider'),
        t('keep the users and their sessions'),
      ],
      action: domainPath(provider.id, domain.domain, 'remove'),
      submit: t('Remove email domain'),
      keep: { href: providerPath(provider.id), label: t('Cancel') },
    }),
  )
}

export async function removeDomain({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const providerId = params.providerId!
  await removeEmailDomain(management, who, { providerId, domain: params.domain! })
  goTo(`${providerPath(providerId)}?notice=domain-removed`)
}
