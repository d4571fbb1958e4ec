import { CLIENT_ATTRIBUTES } from '../../../clients/client-attributes.ts'
import type { ClientSettings } from '../../../clients/client-settings.ts'
import { actsFor } from '../../../clients/grant-types.ts'
import { attributesWhere } from '../../../shared/attributes.ts'
import { attributeFacts, labelsOfChanged } from '../kit/attribute-facts.ts'
import type { Block } from '../kit/blocks.ts'
import { type Fact, fact, quietCell, textCell } from '../kit/cells.ts'

/** The title and the first rows of the page show these. */
const SHOWN_ABOVE: readonly unknown[] = [CLIENT_ATTRIBUTES.name, CLIENT_ATTRIBUTES.grants, CLIENT_ATTRIBUTES.isPublic]

const inSections = (...sections: readonly string[]) =>
  attributesWhere(CLIENT_ATTRIBUTES, (one) => sections.includes(one.section) && !SHOWN_ABOVE.includes(one))

const GENERAL = inSections('application')
const SIGN_IN = inSections('signIn', 'access', 'openidConnect')
const TOKENS = inSections('tokens')
const LEGACY = inSections('legacy')
const OPERATOR = inSections('operator')

function legacyFact(settings: ClientSettings): Fact {
  const options = labelsOfChanged(LEGACY, settings)
  return fact('Legacy compatibility', options.length > 0 ? textCell(options.join(' · ')) : quietCell('none'))
}

/** What an application is, for the first rows of its page. */
export const generalFacts = (settings: ClientSettings): Fact[] => attributeFacts(GENERAL, settings)

/** The settings of an application, as its page shows them. */
export function settingsBlocks(client: ClientSettings, isOperator: boolean): Block[] {
  const signIn: Block = { part: 'facts', heading: 'Sign-in', facts: attributeFacts(SIGN_IN, client) }
  const operator: Block = {
    part: 'facts',
    heading: 'Visible to operators only',
    facts: attributeFacts(OPERATOR, client),
  }
  return [
    ...(actsFor('user', client.grants) ? [signIn] : []),
    { part: 'facts', heading: 'Tokens', facts: [...attributeFacts(TOKENS, client), legacyFact(client)] },
    ...(isOperator ? [operator] : []),
  ]
}
