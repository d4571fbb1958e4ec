import { usesTrusts } from '../../../clients/authentication-attributes.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Application } from '../../../management/application-operations.ts'
import { isRetirable } from '../../../management/client-parts.ts'
import type { Block } from '../kit/blocks.ts'
import { actionsCell, badgeCell, type Cell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import { type ListView, listView } from '../kit/list-page.ts'
import { subjectOf } from '../kit/secret-blocks.ts'
import { credentialTexts } from './application-credential-texts.ts'
import { applicationPath } from './application-list-page.ts'

type Secret = Application['secrets'][number]

const KINDS = {
  secret: 'Client secret',
  api_key: 'API key',
  key: 'Public key',
  certificate: 'Certificate',
  trust: 'Trust',
} as const satisfies Readonly<Record<Secret['kind'], ConsoleText>>

function originText(t: ConsoleTranslate, { lastUsedIp: ip, lastUsedApi: api }: Secret): string | undefined {
  if (ip) return api ? t('from {ip}, for {api}', { ip, api }) : t('from {ip}', { ip })
  return api ? t('for {api}', { api }) : undefined
}

/**
 * The newest secret goes by being replaced; an earlier one, and one of several keys, can be retired alone.
 * A trust that was not replaced can be edited.
 */
function actionCell(t: ConsoleTranslate, clientId: string, secret: Secret, mayRetire: boolean, mayEdit: boolean): Cell {
  const { id, lastFour } = secret
  const of = t('ends in {lastFour}', { lastFour })
  const actions = [
    ...(mayEdit ? [{ label: t('Edit'), href: applicationPath(clientId, `/trusts/${id}/edit`), of }] : []),
    ...(mayRetire ? [{ label: t('Retire'), href: applicationPath(clientId, `/secrets/${id}/retire`), of }] : []),
  ]
  return actions.length > 0 ? actionsCell(...actions) : quietCell('')
}

const secretRow = (
  t: ConsoleTranslate,
  clientId: string,
  secret: Secret,
  mayRetire: boolean,
  mayEdit: boolean,
): Cell[] => [
  textCell(t(KINDS[secret.kind])),
  textCell(t('ends in {lastFour}', { lastFour: secret.lastFour }), subjectOf(secret)),
  timeCell(new Date(secret.createdAt)),
  timeCell(secret.lastUsedAt === null ? null : new Date(secret.lastUsedAt), t('never'), originText(t, secret)),
  secret.retiresAt === null
    ? badgeCell('success', t('Active'))
    : timeCell(new Date(secret.retiresAt), '', t('then it stops working')),
  actionCell(t, clientId, secret, mayRetire, mayEdit),
]

function secretsList(t: ConsoleTranslate, { client, secrets }: Application, mayChange: boolean): ListView {
  const texts = credentialTexts(client)
  return listView({
    caption: t('Credentials'),
    columns: [
      ...[t('Type'), t('Value'), t('Generated'), t('Last used'), t('Status')].map((heading) => ({ heading })),
      { heading: t('Action'), hiddenHeading: true },
    ],
    rows: secrets.map((secret) => {
      const mayEdit = mayChange && secret.kind === 'trust' && secret.isCurrent
      return secretRow(t, client.clientId, secret, mayChange && isRetirable(secrets, secret), mayEdit)
    }),
    empty: { title: t(texts.emptyTitle), text: t(texts.emptyText) },
  })
}

/** The client secrets and API keys of an application; no block for a public one. @param mayChange whether to offer actions */
export function credentialBlocks(t: ConsoleTranslate, application: Application, mayChange: boolean): Block[] {
  const { clientId, isPublic } = application.client
  if (isPublic) return []
  const list = secretsList(t, application, mayChange)
  const link = (path: string, label: string) => ({ href: applicationPath(clientId, path), label })
  const hasTrusts = usesTrusts(application.client)
  const check = hasTrusts ? [link('/trusts/check', t('Check a token'))] : []
  if (!mayChange) return [{ part: 'list', heading: t('Credentials'), actions: check, list }]
  const texts = credentialTexts(application.client)
  const hasKeys = application.client.authMethod === 'private_key_jwt' && application.client.jwksUri === null
  const actions = [
    link('/secrets', t(texts.all)),
    ...check,
    ...(hasKeys ? [link('/keys/new', t('Add keys'))] : []),
    ...(hasTrusts ? [link('/trusts/new', t('Add trust'))] : []),
    link('/method', t('Change method')),
    link('/key', t(texts.replace)),
  ]
  return [{ part: 'list', heading: t('Credentials'), actions, list }]
}
