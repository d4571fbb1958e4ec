import type { KeyPairOfUser, NamedPair } from '../../../management/key-pair-operations.ts'
import { keyPairPath } from '../applications/application-list-page.ts'
import type { Block } from '../kit/blocks.ts'
import { actionsCell, badgeCell, type Cell, idCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import { listView } from '../kit/list-page.ts'
import { environmentCell } from './environment-cell.ts'
import { KEY_PAIR_PATH } from './key-pair-page.ts'

export const ADD_PATH = `${KEY_PAIR_PATH}/new`

const ADD = { href: ADD_PATH, label: 'Add key pair' }

/** The APIs that a named key pair may call. */
export const apisForNamedPairs = ({ choosableApis }: KeyPairOfUser): KeyPairOfUser['choosableApis'] =>
  choosableApis.filter(({ keyPairs }) => keyPairs !== 'one')

const COLUMNS = ['Name', 'Environment', 'Client ID', 'Client secret', 'Last used', 'Actions'].map((heading) => ({
  heading,
}))

function actionsOf({ clientId, pairName, status }: NamedPair): Cell {
  const action = (label: string, rest: string) => ({ label, href: keyPairPath(clientId, rest), of: pairName })
  const uses = [action('Try it', '/try'), action('Revoke tokens', '/revoke')]
  return actionsCell(action('Generate new keys', '/generate'), ...(status === 'active' ? uses : []))
}

function rowOf(pair: NamedPair): Cell[] {
  const { clientId, pairName, environment, status, lastFour, lastUsedAt, apis } = pair
  return [
    linkCell(pairName, keyPairPath(clientId), (apis ?? []).join(', ') || undefined),
    environment ? environmentCell(environment) : quietCell('none'),
    idCell(clientId, 'client ID'),
    status === 'active' ? textCell(`Ends in ${lastFour}`) : badgeCell('neutral', 'Stopped'),
    timeCell(lastUsedAt === null ? null : new Date(lastUsedAt)),
    actionsOf(pair),
  ]
}

/** The named key pairs of the user; no block where there are none and no API allows one. */
export function namedPairsBlocks(keys: KeyPairOfUser): Block[] {
  const mayAdd = apisForNamedPairs(keys).length > 0
  if (keys.namedPairs.length === 0 && !mayAdd) return []
  const list = listView({
    caption: 'Named key pairs',
    columns: COLUMNS,
    rows: keys.namedPairs.map(rowOf),
    empty: {
      title: 'No named key pairs yet',
      text: 'Add a key pair for each service, so that you can replace one alone.',
    },
  })
  return [
    {
      part: 'list',
      heading: 'Named key pairs',
      lead: 'Key pairs for single services. New keys replace only the keys with the same name.',
      ...(mayAdd && { actions: [ADD] }),
      list,
    },
  ]
}
