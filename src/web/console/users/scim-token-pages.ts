import { MAX_SCIM_TOKENS, type ScimToken } from '../../../accounts/scim-tokens.ts'
import { ACCOUNT_ROLE } from '../../../accounts/user-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import {
  generateScimToken,
  listScimTokens,
  readScimToken,
  revokeScimToken,
} from '../../../management/scim-token-operations.ts'
import type { FieldError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { accountTokenRoutes, accountTokensPath, newTokenPage, operatorsAccount } from '../kit/account-token-pages.ts'
import { valueText } from '../kit/attribute-facts.ts'
import { attributeFields } from '../kit/attribute-fields.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { actionsCell, type Cell, fact, idCell, textCell, timeCell } from '../kit/cells.ts'
import { selectField } from '../kit/choice-fields.ts'
import type { ConsolePage, PageLink } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { attempt, writeFields } from '../kit/form-fields.ts'
import { listView } from '../kit/list-page.ts'
import { confirmPage, secretPage } from '../kit/panels.ts'

const PATH = '/scim-tokens'

export const scimTokensPath = accountTokensPath(PATH)

const breadcrumbsTo = (t: ConsoleTranslate, accountId: string | undefined): PageLink[] => [
  { href: accountId ? `/users?account=${accountId}` : '/users', label: t('Users') },
  { href: scimTokensPath(accountId), label: t('SCIM tokens') },
]

function rowOf(t: ConsoleTranslate, token: ScimToken): Cell[] {
  const name = `kwd_…${token.lastFour}`
  return [
    textCell(name),
    textCell(valueText(t, ACCOUNT_ROLE, token.role)),
    timeCell(token.lastUsedAt, t('never')),
    timeCell(token.expiresAt),
    timeCell(token.createdAt),
    actionsCell({ label: t('Revoke…'), href: `${PATH}/${token.id}/revoke`, of: name }),
  ]
}

/** An operator has come here without an account. */
const choosingPage = (t: ConsoleTranslate): ConsolePage =>
  blocksPage({ title: t('SCIM tokens'), breadcrumbs: [{ href: '/users', label: t('Users') }] }, [
    {
      part: 'empty',
      title: t('Select an account'),
      text: t('SCIM tokens belong to an account. Open the account, then its users.'),
      action: { href: '/accounts', label: t('Accounts'), primary: true },
    },
  ])

function listOf(t: ConsoleTranslate, tokens: readonly ScimToken[], add: PageLink): Block {
  return {
    part: 'list',
    list: listView({
      caption: t('SCIM tokens'),
      columns: [
        { heading: t('Token') },
        { heading: t('Role of new users') },
        { heading: t('Last used') },
        { heading: t('Expires') },
        { heading: t('Generated'), wideOnly: true },
        { heading: t('Actions'), hiddenHeading: true },
      ],
      rows: tokens.map((token) => rowOf(t, token)),
      empty: {
        title: t('No SCIM tokens yet'),
        text: t('Generate a token and enter it at your identity provider, for example Okta or Microsoft Entra ID.'),
        action: { ...add, primary: true },
      },
    }),
  }
}

async function showTokens(call: ConsoleCall): Promise<void> {
  const { t, management, who, web, show } = call
  const accountId = operatorsAccount(call)
  if (who.role === 'operator' && accountId === undefined) return show(choosingPage(t))
  const tokens = await listScimTokens(management, who, { accountId })
  const add = { href: scimTokensPath(accountId, 'new'), label: t('Generate SCIM token') }
  const root = web.issuerUrl()
  const facts: Block = {
    part: 'facts',
    facts: [
      fact(t('SCIM base URL'), idCell(`${root}/scim/v2`, t('SCIM base URL'))),
      fact(
        t('Global Token Revocation URL'),
        idCell(`${root}/oauth2/global-token-revocation`, t('Global Token Revocation URL')),
      ),
    ],
  }
  const page = {
    title: t('SCIM tokens'),
    lead: t(
      'With a SCIM token, your identity provider adds, changes and disables the users of your account. A user whom it disables loses all access at once.',
    ),
    breadcrumbs: breadcrumbsTo(t, accountId).slice(0, 1),
    actions: tokens.length > 0 && tokens.length < MAX_SCIM_TOKENS ? [{ ...add, primary: true }] : [],
    notices: { revoked: t('SCIM token revoked.') },
  }
  show(blocksPage(page, [listOf(t, tokens, add), facts]))
}

const fieldsOf = (t: ConsoleTranslate) => ({
  role: attributeFields({ role: ACCOUNT_ROLE }, { t, isOperator: false }).role,
  days: selectField({
    label: t('Expires'),
    choices: [
      { value: '90', label: t('in 90 days') },
      { value: '365', label: t('in 1 year') },
      { value: '730', label: t('in 2 years') },
    ],
  }),
})

const newPage = (call: ConsoleCall, typed: Form, fieldErrors: readonly FieldError[] = []): ConsolePage =>
  newTokenPage(
    call,
    {
      fields: fieldsOf(call.t),
      path: PATH,
      title: call.t('Generate SCIM token'),
      lead: call.t('The role is that of users whom your identity provider adds without a role.'),
      breadcrumbs: breadcrumbsTo(call.t, operatorsAccount(call)),
    },
    typed,
    fieldErrors,
  )

async function askToken(call: ConsoleCall): Promise<void> {
  call.show(newPage(call, writeFields(fieldsOf(call.t), { role: 'member', days: '365' })))
}

async function generate(call: ConsoleCall): Promise<void> {
  const { t, management, who, web, form, show } = call
  const accountId = operatorsAccount(call)
  const outcome = await attempt(fieldsOf(t), call, ({ role, days }) =>
    generateScimToken(management, who, { accountId, role, days: Number(days) }),
  )
  if (outcome.fieldErrors) return show(newPage(call, form, outcome.fieldErrors))
  show(
    secretPage({
      title: t('SCIM token generated'),
      lead: t('Enter both at your identity provider.'),
      breadcrumbs: breadcrumbsTo(t, accountId),
      values: [
        { label: t('SCIM base URL'), value: `${web.issuerUrl()}/scim/v2` },
        { label: t('SCIM token'), value: outcome.done.secret },
      ],
      done: { href: scimTokensPath(accountId), label: t('Done') },
    }),
  )
}

async function askRevocation({ t, management, who, params, show }: ConsoleCall): Promise<void> {
  const token = await readScimToken(management, who, { tokenId: params.tokenId! })
  const accountId = who.role === 'operator' ? token.accountId : undefined
  show(
    confirmPage({
      title: t('Revoke the SCIM token that ends in {lastFour}?', { lastFour: token.lastFour }),
      breadcrumbs: breadcrumbsTo(t, accountId),
      stops: [
        t('stop your identity provider from adding, changing and disabling users with this token, at once'),
        t('leave the users as they are'),
      ],
      facts: [fact(t('Last used'), timeCell(token.lastUsedAt, t('never')))],
      action: `${PATH}/${token.id}/revoke`,
      submit: t('Revoke SCIM token'),
      keep: { href: scimTokensPath(accountId), label: t('Cancel') },
    }),
  )
}

async function revoke({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const { accountId } = await revokeScimToken(management, who, { tokenId: params.tokenId! })
  goTo(scimTokensPath(who.role === 'operator' ? accountId : undefined, '', 'revoked'))
}

export const SCIM_TOKEN_PAGES = accountTokenRoutes({
  path: PATH,
  id: 'tokenId',
  permissions: {
    list: listScimTokens.permission,
    generate: generateScimToken.permission,
    revoke: revokeScimToken.permission,
  },
  showList: showTokens,
  askToken,
  generate,
  askRevocation,
  revoke,
})
