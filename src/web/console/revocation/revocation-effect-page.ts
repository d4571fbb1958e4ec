import type { Client } from '../../../clients/clients.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import {
  type AffectedApi,
  type AffectedCaller,
  type RevocationEffect,
  type RevocationFollower,
  readRevocationEffect,
} from '../../../management/revocation-effect.ts'
import { REFUSAL_REASONS } from '../../../shared/refusal-reasons.ts'
import { applicationPath, applicationsBreadcrumbs, keyPairPath } from '../applications/application-list-page.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { badgeCell, type Cell, fact, idCell, linesCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { clientName } from '../kit/display-name.ts'
import { listView } from '../kit/list-page.ts'

const noticesIn = (t: ConsoleTranslate) => ({
  revoked: t('All tokens are revoked. The client can get new ones.'),
  stopped: t('Key pair stopped. Its client secret no longer works, and all its tokens are revoked.'),
})

const exact = (t: ConsoleTranslate, at: Date): string =>
  `${t.date(at, { timeStyle: 'medium', dateStyle: 'medium' })} UTC`

/** What happened last to a caller. */
function stateCells(t: ConsoleTranslate, { refused, issuedAt }: AffectedCaller): Cell[] {
  const isBack = issuedAt !== null && (refused === null || issuedAt > refused.at)
  if (isBack) return [badgeCell('success', t('Got a new token')), timeCell(new Date(issuedAt))]
  if (refused === null) return [badgeCell('neutral', t('No request yet')), quietCell(t('none'))]
  const { label } = REFUSAL_REASONS[refused.reason]
  return [badgeCell('error', t('Refused')), timeCell(new Date(refused.at), undefined, t.declared(label))]
}

function callersBlock(t: ConsoleTranslate, { callers, successor }: RevocationEffect): Block {
  return {
    part: 'list',
    heading: t('Callers of the last day'),
    lead: successor
      ? t(
          'IP addresses that used the client in the 24 hours before, and their latest token request since. A caller that uses the new keys gets tokens again.',
        )
      : t('IP addresses that used the client in the 24 hours before, and their latest token request since.'),
    list: listView({
      caption: t('Callers of the last day'),
      columns: [{ heading: t('IP address') }, { heading: t('Since then') }, { heading: t('Latest request') }],
      rows: callers.map((caller) => [textCell(caller.ip), ...stateCells(t, caller)]),
      empty: { title: t('No callers'), text: t('Nobody used the client in the 24 hours before.') },
    }),
  }
}

const waysIn = (t: ConsoleTranslate): Readonly<Record<RevocationFollower['way'], string>> => ({
  feed: t('Revocation feed'),
  introspection: t('Introspection'),
  list: t('Status lists'),
})

/** Resource servers keep a list for one lifetime, and a cache before them for another. */
const listedBy = (revokedAt: Date, ttl: number): Date => new Date(revokedAt.getTime() + 2000 * ttl)

interface Followed {
  readonly revokedAt: Date
  /** Seconds. */
  readonly statusListTtl: number
}

function refusedCell(
  t: ConsoleTranslate,
  way: RevocationFollower['way'],
  { revokedAt, statusListTtl }: Followed,
): Cell {
  if (way !== 'list') return badgeCell('success', t('Refused'))
  const by = listedBy(revokedAt, statusListTtl)
  return by.getTime() <= Date.now()
    ? badgeCell('success', t('Refused'))
    : textCell(t('At the latest at {time}', { time: exact(t, by) }))
}

function apiRows(
  t: ConsoleTranslate,
  { identifier, tokens, followers, lastExpiresAt }: AffectedApi,
  followed: Followed,
): Cell[][] {
  const api = textCell(identifier, countedUpTo(t, tokens, 'revoked token'))
  if (followers.length === 0) {
    const time = exact(t, new Date(lastExpiresAt))
    const accepted = textCell(t('Accepted until they expire, at the latest at {time}', { time }))
    return [[api, badgeCell('warning', t('None seen')), quietCell(t('none')), accepted]]
  }
  const texts = waysIn(t)
  const ways = Object.keys(texts) as RevocationFollower['way'][]
  return ways
    .map((way) => ({ way, ips: followers.filter((one) => one.way === way).map(({ ip }) => ip) }))
    .filter(({ ips }) => ips.length > 0)
    .map(({ way, ips }) => [api, textCell(texts[way]), linesCell(ips), refusedCell(t, way, followed)])
}

const apisBlock = (t: ConsoleTranslate, { apis }: RevocationEffect, followed: Followed): Block => ({
  part: 'list',
  heading: t('Resource servers'),
  lead: t(
    'How the APIs that accepted the tokens learn of the revocation. A resource server that never asks accepts a revoked token until it expires.',
  ),
  list: listView({
    caption: t('Resource servers'),
    columns: [t('API'), t('Learns by'), t('IP addresses'), t('Revoked tokens')].map((heading) => ({ heading })),
    rows: apis.flatMap((api) => apiRows(t, api, followed)),
    empty: {
      title: t('No token would still be valid'),
      text: t('All tokens that were revoked have expired, or there were none.'),
    },
  }),
})

const parentOf = (t: ConsoleTranslate, client: Client) => ({
  href: client.kind === 'key_pair' ? keyPairPath(client.clientId) : applicationPath(client.clientId),
  label: clientName(t, client),
})

function pageOf(t: ConsoleTranslate, effect: RevocationEffect, statusListTtl: number): ConsolePage {
  const { client, revokedAt, successor } = effect
  const page = {
    title: t('Revocation'),
    breadcrumbs: [...applicationsBreadcrumbs(t), parentOf(t, client)],
    notices: noticesIn(t),
  }
  if (!revokedAt) {
    const text = t('The tokens of this client were not revoked together in the last 30 days.')
    return blocksPage(page, [{ part: 'empty', title: t('No revocation'), text }])
  }
  const facts = [
    fact(t('Tokens revoked'), timeCell(revokedAt, undefined, exact(t, revokedAt))),
    fact(t('Client ID'), idCell(client.clientId, t('client ID'))),
    ...(successor ? [fact(t('Replaced by'), idCell(successor, t('client ID of the new key pair')))] : []),
  ]
  const followed = { revokedAt, statusListTtl }
  return blocksPage({ ...page, lead: t('This page is updated every few seconds.'), isLive: true }, [
    { part: 'facts', facts },
    callersBlock(t, effect),
    apisBlock(t, effect, followed),
  ])
}

async function showEffect({ management, who, web, params, show, t }: ConsoleCall): Promise<void> {
  const effect = await readRevocationEffect(management, who, { clientId: params.clientId! })
  show(pageOf(t, effect, web.statusListTtl))
}

export const REVOCATION_PAGES: readonly ConsoleRoute[] = [
  {
    method: 'get',
    path: '/revocations/:clientId',
    permission: readRevocationEffect.permission,
    handle: showEffect,
  },
]
