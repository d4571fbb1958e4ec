import { CLIENT_ATTRIBUTES } from '../../../clients/client-attributes.ts'
import type { ClientSettings } from '../../../clients/client-settings.ts'
import type { Client } from '../../../clients/clients.ts'
import { requirementsOfFapi } from '../../../clients/fapi-rules.ts'
import { actsFor, TOKEN_EXCHANGE_GRANT } from '../../../clients/grant-types.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type Attributes, attributesWhere } from '../../../shared/attributes.ts'
import { attributeFacts, labelsOfNonInitial } from '../kit/attribute-facts.ts'
import type { Block } from '../kit/blocks.ts'
import { type Fact, fact, quietCell, textCell } from '../kit/cells.ts'
import { applicationPath } from './application-list-page.ts'

/** The title and the first rows of the page show these. */
const SHOWN_ABOVE: readonly unknown[] = [
  CLIENT_ATTRIBUTES.name,
  CLIENT_ATTRIBUTES.grants,
  CLIENT_ATTRIBUTES.authMethod,
  CLIENT_ATTRIBUTES.jwksUri,
  CLIENT_ATTRIBUTES.isPublic,
]

const inSections = (...sections: readonly string[]) =>
  attributesWhere(CLIENT_ATTRIBUTES, (one) => sections.includes(one.section) && !SHOWN_ABOVE.includes(one))

const GENERAL = inSections('application')
const SIGN_IN = inSections('signIn', 'access', 'openidConnect')
const BRANDING = inSections('branding')
const TOKENS = inSections('tokens')
const PROOFS = inSections('proofs')
const EXCHANGE = inSections('exchange')
const LEGACY = inSections('legacy')
const OPERATOR = inSections('operator')

function legacyFact(t: ConsoleTranslate, settings: ClientSettings): Fact {
  const options = labelsOfNonInitial(t, LEGACY, settings)
  return fact(t('Legacy compatibility'), options.length > 0 ? textCell(options.join(' · ')) : quietCell(t('none')))
}

const OF_AUTHORIZATION_REQUESTS: readonly unknown[] = [
  CLIENT_ATTRIBUTES.parRequired,
  CLIENT_ATTRIBUTES.requestObjectsRequired,
  CLIENT_ATTRIBUTES.signedResponsesRequired,
]

/** Without users there are no authorization requests. */
const proofsOf = ({ grants }: ClientSettings): Attributes =>
  actsFor('user', grants) ? PROOFS : attributesWhere(PROOFS, (one) => !OF_AUTHORIZATION_REQUESTS.includes(one))

/** What FAPI 2.0 requires, where it is on, with the standard that describes it. */
const fapiFacts = (t: ConsoleTranslate, settings: ClientSettings): Fact[] =>
  requirementsOfFapi(settings).map(({ requirement, reference }) => fact(t.declared(requirement), textCell(reference)))

/** One row for each of these attributes that the user may read. */
function factsFor(t: ConsoleTranslate, isOperator: boolean, attributes: Attributes, settings: ClientSettings): Fact[] {
  const readable = attributesWhere(attributes, ({ operatorOnly }) => isOperator || !operatorOnly)
  return attributeFacts(t, readable, settings)
}

/** What an application is, for the first rows of its page. */
export const generalFacts = (t: ConsoleTranslate, settings: ClientSettings, isOperator: boolean): Fact[] =>
  factsFor(t, isOperator, GENERAL, settings)

/** What users see of an application. */
export function brandingBlocks(t: ConsoleTranslate, client: Client, isOperator: boolean): Block[] {
  if (!actsFor('user', client.grants)) return []
  const label = client.logo ? t('Change logo') : t('Add logo')
  const actions = [{ href: applicationPath(client.clientId, '/logo'), label }]
  const facts = factsFor(t, isOperator, BRANDING, client)
  return [{ part: 'facts', heading: t('Branding'), facts, ...(client.status !== 'deleting' && { actions }) }]
}

/** The settings of a client, as its page shows them. @param shown the attributes that mean something for it */
export function settingsBlocks(
  t: ConsoleTranslate,
  client: ClientSettings,
  isOperator: boolean,
  shown: Attributes = CLIENT_ATTRIBUTES,
): Block[] {
  const isShown = Object.values(shown)
  const facts = (attributes: Attributes) =>
    factsFor(
      t,
      isOperator,
      attributesWhere(attributes, (one) => isShown.includes(one)),
      client,
    )
  const blocks: { heading: string; facts: Fact[] }[] = [
    { heading: t('Sign-in'), facts: actsFor('user', client.grants) ? facts(SIGN_IN) : [] },
    { heading: t('Tokens'), facts: [...facts(TOKENS), legacyFact(t, client)] },
    { heading: t('Required proofs'), facts: facts(proofsOf(client)) },
    { heading: t('What FAPI 2.0 requires'), facts: fapiFacts(t, client) },
    {
      heading: t('Token exchange'),
      facts: client.grants.includes(TOKEN_EXCHANGE_GRANT) ? facts(EXCHANGE) : [],
    },
    { heading: t('Visible to operators only'), facts: facts(OPERATOR) },
  ]
  return blocks.filter((block) => block.facts.length > 0).map((block) => ({ part: 'facts', ...block }))
}
