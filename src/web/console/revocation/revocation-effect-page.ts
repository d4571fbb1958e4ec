import type { Client } from '../../../clients/clients.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import {
  type AffectedApi,
  type AffectedCaller,
  type RevocationEffect,
  type RevocationFollower,
  readRevocationEffect,
} from '../../../management/revocation-effect.ts'
import { REFUSAL_REASONS } from '../../../shared/refusal-reasons.ts'
import { APPLICATIONS_BREADCRUMBS, applicationPath, keyPairPath } from '../applications/application-list-page.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { badgeCell, type Cell, fact, idCell, linesCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { listView } from '../kit/list-page.ts'

const NOTICES = {
  revoked: 'All tokens are revoked. The client can get new ones.',
  stopped: 'Key pair stopped. Its client secret no longer works, and all its tokens are revoked.',
}

const TIME = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', dateStyle: 'medium', timeZone: 'UTC' })

const exact = (at: Date): string => `${TIME.format(at)} UTC`

/** What happened last to a caller. */
function stateCells({ refused, issuedAt }: AffectedCaller): Cell[] {
  const isBack = issuedAt !== null && (refused === null || issuedAt > refused.at)
  if (isBack) return [badgeCell('success', 'Got a new token'), timeCell(new Date(issuedAt))]
  if (refused === null) return [badgeCell('neutral', 'No request yet'), quietCell('none')]
  const { label } = REFUSAL_REASONS[refused.reason]
  return [badgeCell('error', 'Refused'), timeCell(new Date(refused.at), 'never', label)]
}

function callersBlock({ callers, successor }: RevocationEffect): Block {
  const renewed = successor ? ' A caller that uses the new keys gets tokens again.' : ''
  return {
    part: 'list',
    heading: 'Callers of the last day',
    lead: `IP addresses that used the client in the 24 hours before, and their latest token request since.${renewed}`,
    list: listView({
      caption: 'Callers of the last day',
      columns: [{ heading: 'IP address' }, { heading: 'Since then' }, { heading: 'Latest request' }],
      rows: callers.map((caller) => [textCell(caller.ip), ...stateCells(caller)]),
      empty: { title: 'No callers', text: 'Nobody used the client in the 24 hours before.' },
    }),
  }
}

const WAYS: Readonly<Record<RevocationFollower['way'], string>> = {
  feed: 'Revocation feed',
  introspection: 'Introspection',
  list: 'Status lists',
}

/** Resource servers keep a list for one lifetime, and a cache before them for another. */
const listedBy = (revokedAt: Date, ttl: number): Date => new Date(revokedAt.getTime() + 2000 * ttl)

interface Followed {
  readonly revokedAt: Date
  /** Seconds. */
  readonly statusListTtl: number
}

function refusedCell(way: RevocationFollower['way'], { revokedAt, statusListTtl }: Followed): Cell {
  if (way !== 'list') return badgeCell('success', 'Refused')
  const by = listedBy(revokedAt, statusListTtl)
  return by.getTime() <= Date.now() ? badgeCell('success', 'Refused') : textCell(`At the latest at ${exact(by)}`)
}

function apiRows({ identifier, tokens, followers, lastExpiresAt }: AffectedApi, followed: Followed): Cell[][] {
  const api = textCell(identifier, countedUpTo(toConsoleEnglish(), tokens, 'revoked token'))
  if (followers.length === 0) {
    const accepted = textCell(`Accepted until they expire, at the latest at ${exact(new Date(lastExpiresAt))}`)
    return [[api, badgeCell('warning', 'None seen'), quietCell('none'), accepted]]
  }
  const ways = Object.keys(WAYS) as RevocationFollower['way'][]
  return ways
    .map((way) => ({ way, ips: followers.filter((one) => one.way === way).map(({ ip }) => ip) }))
    .filter(({ ips }) => ips.length > 0)
    .map(({ way, ips }) => [api, textCell(WAYS[way]), linesCell(ips), refusedCell(way, followed)])
}

const apisBlock = ({ apis }: RevocationEffect, followed: Followed): Block => ({
  part: 'list',
  heading: 'Resource servers',
  lead: 'How the APIs that accepted the tokens learn of the revocation. A resource server that never asks accepts a revoked token until it expires.',
  list: listView({
    caption: 'Resource servers',
    columns: ['API', 'Learns by', 'IP addresses', 'Revoked tokens'].map((heading) => ({ heading })),
    rows: apis.flatMap((api) => apiRows(api, followed)),
    empty: {
      title: 'No token would still be valid',
      text: 'All tokens that were revoked have expired, or there were none.',
    },
  }),
})

const parentOf = ({ kind, clientId, name }: Client) => ({
  href: kind === 'key_pair' ? keyPairPath(clientId) : applicationPath(clientId),
  label: name,
})

function pageOf(effect: RevocationEffect, statusListTtl: number): ConsolePage {
  const { client, revokedAt, successor } = effect
  const page = {
    title: 'Revocation',
    breadcrumbs: [...APPLICATIONS_BREADCRUMBS, parentOf(client)],
    notices: NOTICES,
  }
  if (!revokedAt) {
    const text = 'The tokens of this client were not revoked together in the last 30 days.'
    return blocksPage(page, [{ part: 'empty', title: 'No revocation', text }])
  }
  const facts = [
    fact('Tokens revoked', timeCell(revokedAt, 'never', exact(revokedAt))),
    fact('Client ID', idCell(client.clientId, 'client ID')),
    ...(successor ? [fact('Replaced by', idCell(successor, 'client ID of the new key pair'))] : []),
  ]
  const followed = { revokedAt, statusListTtl }
  return blocksPage({ ...page, lead: 'This page is updated every few seconds.', isLive: true }, [
    { part: 'facts', facts },
    callersBlock(effect),
    apisBlock(effect, followed),
  ])
}

async function showEffect({ management, who, web, params, show }: ConsoleCall): Promise<void> {
  const effect = await readRevocationEffect(management, who, { clientId: params.clientId! })
  show(pageOf(effect, web.statusListTtl))
}

export const REVOCATION_PAGES: readonly ConsoleRoute[] = [
  {
    method: 'get',
    path: '/revocations/:clientId',
    permission: readRevocationEffect.permission,
    handle: showEffect,
  },
]
