import { type InitialAccessToken, MAX_INITIAL_ACCESS_TOKENS } from '../../../clients/initial-access-tokens.ts'
import { INITIAL_ACCESS_TOKEN_ATTRIBUTES } from '../../../clients/registration-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { ChoosableApi } from '../../../management/application-forms.ts'
import {
  generateInitialAccessToken,
  listInitialAccessTokens,
  readInitialAccessToken,
  revokeInitialAccessToken,
} from '../../../management/initial-access-token-operations.ts'
import { initialValues } from '../../../shared/attributes.ts'
import type { FieldError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { accountTokenRoutes, accountTokensPath, newTokenPage, operatorsAccount } from '../kit/account-token-pages.ts'
import { attributeFields } from '../kit/attribute-fields.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { actionsCell, type Cell, fact, idCell, linesCell, textCell, timeCell } from '../kit/cells.ts'
import { selectField } from '../kit/choice-fields.ts'
import type { ConsolePage, PageLink } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { submit, writeFields } from '../kit/form-fields.ts'
import { listView } from '../kit/list-page.ts'
import { confirmPage, secretPage } from '../kit/panels.ts'
import { INITIALLY_PERMITTED, permittedFields, permittedIn, registrableApis } from './registration-fields.ts'

const PATH = '/initial-access-tokens'

export const initialAccessTokensPath = accountTokensPath(PATH)

const breadcrumbsTo = (t: ConsoleTranslate, accountId: string | undefined): PageLink[] => [
  { href: accountId ? `/applications?account=${accountId}` : '/applications', label: t('Applications') },
  { href: initialAccessTokensPath(accountId), label: t('Initial access tokens') },
]

const shownText = ({ lastFour }: InitialAccessToken): string => `kwi_…${lastFour}`

function rowOf(t: ConsoleTranslate, token: InitialAccessToken): Cell[] {
  const { apis, scopes, uses, maxUses } = token
  return [
    textCell(shownText(token)),
    apis.length === 0 ? textCell(t('Default API')) : linesCell(apis),
    textCell(scopes?.join(' ') ?? t('All scopes')),
    textCell(t('{uses, number} of {most, number}', { uses, most: maxUses })),
    timeCell(token.lastUsedAt, t('never')),
    timeCell(token.expiresAt),
    actionsCell({ label: t('Revoke…'), href: `${PATH}/${token.id}/revoke`, of: shownText(token) }),
  ]
}

/** An operator has come here without an account. */
const choosingPage = (t: ConsoleTranslate): ConsolePage =>
  blocksPage({ title: t('Initial access tokens'), breadcrumbs: breadcrumbsTo(t, undefined).slice(0, 1) }, [
    {
      part: 'empty',
      title: t('Select an account'),
      text: t('Initial access tokens belong to an account. Select the account in the list of applications.'),
      action: { href: '/applications', label: t('Applications'), primary: true },
    },
  ])

function listOf(t: ConsoleTranslate, tokens: readonly InitialAccessToken[], add: PageLink): Block {
  return {
    part: 'list',
    list: listView({
      caption: t('Initial access tokens'),
      columns: [
        { heading: t('Token') },
        { heading: t('APIs') },
        { heading: t('Scopes'), wideOnly: true },
        { heading: t('Registered applications') },
        { heading: t('Last used'), wideOnly: true },
        { heading: t('Expires') },
        { heading: t('Actions'), hiddenHeading: true },
      ],
      rows: tokens.map((token) => rowOf(t, token)),
      empty: {
        title: t('No initial access tokens yet'),
        text: t('Generate a token and give it to an application that registers itself, such as an MCP client.'),
        action: { ...add, primary: true },
      },
    }),
  }
}

async function showTokens(call: ConsoleCall): Promise<void> {
  const { t, management, who, web, show } = call
  const accountId = operatorsAccount(call)
  if (who.role === 'operator' && accountId === undefined) return show(choosingPage(t))
  const { tokens, isEnabled } = await listInitialAccessTokens(management, who, { accountId })
  const add = { href: initialAccessTokensPath(accountId, 'new'), label: t('Generate initial access token') }
  const endpoint = `${web.issuerUrl()}/oauth2/register`
  const facts: Block = {
    part: 'facts',
    facts: [fact(t('Registration endpoint'), idCell(endpoint, t('Registration endpoint')))],
  }
  const page = {
    title: t('Initial access tokens'),
    lead: t('An application that has an initial access token can register itself in the account (RFC 7591).'),
    breadcrumbs: breadcrumbsTo(t, accountId).slice(0, 1),
    actions: tokens.length > 0 && tokens.length < MAX_INITIAL_ACCESS_TOKENS ? [{ ...add, primary: true }] : [],
    notices: { revoked: t('Initial access token revoked.') },
    ...(!isEnabled && {
      warning: t(
        'Dynamic client registration is off, so no application can register. An operator enables it in Settings.',
      ),
    }),
  }
  show(blocksPage(page, [listOf(t, tokens, add), facts]))
}

function fieldsOf(t: ConsoleTranslate, apis: readonly ChoosableApi[]) {
  const { maxUses } = INITIAL_ACCESS_TOKEN_ATTRIBUTES
  return {
    ...permittedFields(t, apis),
    ...attributeFields({ maxUses }, { t, isOperator: false }),
    days: selectField({
      label: t('Expires'),
      choices: [
        { value: '1', label: t('in 1 day') },
        { value: '7', label: t('in 7 days') },
        { value: '30', label: t('in 30 days') },
        { value: '365', label: t('in 1 year') },
      ],
    }),
  }
}

type TokenFields = ReturnType<typeof fieldsOf>

const newPage = (
  call: ConsoleCall,
  fields: TokenFields,
  typed: Form,
  fieldErrors: readonly FieldError[] = [],
): ConsolePage =>
  newTokenPage(
    call,
    {
      fields,
      path: PATH,
      title: call.t('Generate initial access token'),
      lead: call.t('An application that has the token can register itself with these permissions.'),
      breadcrumbs: breadcrumbsTo(call.t, operatorsAccount(call)),
    },
    typed,
    fieldErrors,
  )

async function askToken(call: ConsoleCall): Promise<void> {
  const fields = fieldsOf(call.t, await registrableApis(call))
  const { maxUses } = initialValues(INITIAL_ACCESS_TOKEN_ATTRIBUTES) as { maxUses: number }
  call.show(newPage(call, fields, writeFields(fields, { ...INITIALLY_PERMITTED, maxUses, days: '7' })))
}

async function generate(call: ConsoleCall): Promise<void> {
  const { t, management, who, web, form, files, show } = call
  const accountId = operatorsAccount(call)
  const fields = fieldsOf(t, await registrableApis(call))
  const outcome = await submit(
    fields,
    { form, files },
    {
      prepare: ({ days, maxUses, ...permitted }, fieldErrors) => ({
        ...{ accountId, days: Number(days), maxUses },
        ...permittedIn(permitted, fieldErrors),
      }),
      check: async () => {},
      execute: (input) => generateInitialAccessToken(management, who, input),
    },
  )
  if (outcome.fieldErrors) return show(newPage(call, fields, form, outcome.fieldErrors))
  show(
    secretPage({
      title: t('Initial access token generated'),
      lead: t('The application sends the token to the registration endpoint.'),
      breadcrumbs: breadcrumbsTo(t, accountId),
      values: [
        { label: t('Registration endpoint'), value: `${web.issuerUrl()}/oauth2/register` },
        { label: t('Initial access token'), value: outcome.done.secret },
      ],
      done: { href: initialAccessTokensPath(accountId), label: t('Done') },
    }),
  )
}

async function askRevocation({ t, management, who, params, show }: ConsoleCall): Promise<void> {
  const token = await readInitialAccessToken(management, who, { initialAccessTokenId: params.initialAccessTokenId! })
  const accountId = who.role === 'operator' ? token.accountId : undefined
  show(
    confirmPage({
      title: t('Revoke the initial access token that ends in {lastFour}?', { lastFour: token.lastFour }),
      breadcrumbs: breadcrumbsTo(t, accountId),
      stops: [
        t('stop further applications from registering with this token, at once'),
        t('leave the applications that have registered as they are'),
      ],
      facts: [fact(t('Last used'), timeCell(token.lastUsedAt, t('never')))],
      action: `${PATH}/${token.id}/revoke`,
      submit: t('Revoke initial access token'),
      keep: { href: initialAccessTokensPath(accountId), label: t('Cancel') },
    }),
  )
}

async function revoke({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const selector = { initialAccessTokenId: params.initialAccessTokenId! }
  const { accountId } = await revokeInitialAccessToken(management, who, selector)
  goTo(initialAccessTokensPath(who.role === 'operator' ? accountId : undefined, '', 'revoked'))
}

export const INITIAL_ACCESS_TOKEN_PAGES = accountTokenRoutes({
  path: PATH,
  id: 'initialAccessTokenId',
  permissions: {
    list: listInitialAccessTokens.permission,
    generate: generateInitialAccessToken.permission,
    revoke: revokeInitialAccessToken.permission,
  },
  showList: showTokens,
  askToken,
  generate,
  askRevocation,
  revoke,
})
