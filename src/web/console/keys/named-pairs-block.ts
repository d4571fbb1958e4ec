import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { KeyPairOfUser, NamedPair } from '../../../management/key-pair-operations.ts'
import { keyPairPath } from '../applications/application-list-page.ts'
import type { Block } from '../kit/blocks.ts'
import { actionsCell, badgeCell, type Cell, idCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import { listView } from '../kit/list-page.ts'
import { environmentCell } from './environment-cell.ts'
import { KEY_PAIR_PATH } from './key-pair-page.ts'

export const ADD_PATH = `${KEY_PAIR_PATH}/new`

/** The APIs that a named key pair may call. */
export const apisForNamedPairs = ({ choosableApis }: KeyPairOfUser): KeyPairOfUser['choosableApis'] =>
  choosableApis.filter(({ keyPairs }) => keyPairs !== 'one')

const columnsOf = (t: ConsoleTranslate) =>
  [t('Name'), t('Environment'), t('Client ID'), t('Client secret'), t('Last used'), t('Actions')].map((heading) => ({
    heading,
  }))

function actionsOf(t: ConsoleTranslate, { clientId, pairName, status }: NamedPair): Cell {
  const action = (label: string, rest: string) => ({ label, href: keyPairPath(clientId, rest), of: pairName })
  const uses = [action(t('Try it'), '/try'), action(t('Revoke tokens'), '/revoke')]
  return actionsCell(action(t('Generate new keys'), '/generate'), ...(status === 'active' ? uses : []))
}

function rowOf(t: ConsoleTranslate, pair: NamedPair): Cell[] {
  const { clientId, pairName, environment, status, lastFour, lastUsedAt, apis } = pair
  return [
    linkCell(pairName, keyPairPath(clientId), (apis ?? []).join(', ') || undefined),
    environment ? environmentCell(t, environment) : quietCell(t('none')),
    idCell(clientId, t('client ID')),
    status === 'active'
      ? textCell(t('Ends in {lastFour}', { lastFour: lastFour ?? '' }))
      : badgeCell('neutral', t('Stopped')),
    timeCell(lastUsedAt === null ? null : new Date(lastUsedAt)),
    actionsOf(t, pair),
  ]
}

/** The named key pairs of the user; no block where there are none and no API allows one. */
export function namedPairsBlocks(t: ConsoleTranslate, keys: KeyPairOfUser): Block[] {
  const mayAdd = apisForNamedPairs(keys).length > 0
  if (keys.namedPairs.length === 0 && !mayAdd) return []
  const list = listView({
    caption: t('Named key pairs'),
    columns: columnsOf(t),
    rows: keys.namedPairs.map((pair) => rowOf(t, pair)),
    empty: {
      title: t('No named key pairs yet'),
      text: t('Add a key pair for each service, so that you can replace one alone.'),
    },
  })
  return [
    {
      part: 'list',
      heading: t('Named key pairs'),
      lead: t('Key pairs for single services. New keys replace only the keys with the same name.'),
      ...(mayAdd && { actions: [{ href: ADD_PATH, label: t('Add key pair') }] }),
      list,
    },
  ]
}
