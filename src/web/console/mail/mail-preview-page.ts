import { composeSample } from '../../../mail/message-composition.ts'
import { MESSAGE_KIND_NAMES, MESSAGE_KINDS, type MessageKindName } from '../../../mail/message-kinds.ts'
import type { RenderedMessage } from '../../../mail/message-rendering.ts'
import { setPageHeaders } from '../../page-headers.ts'
import { fact, textCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { choiceIn } from '../kit/query-fields.ts'
import { MAIL_PATH } from './mail-block.ts'

export const MAIL_PREVIEW_PATH = `${MAIL_PATH}/preview`

const kindIn = ({ query }: ConsoleCall): MessageKindName =>
  choiceIn(query, 'kind', MESSAGE_KIND_NAMES) ?? MESSAGE_KIND_NAMES[0]!

const sampleOf = async ({ web }: ConsoleCall, kind: MessageKindName): Promise<RenderedMessage> =>
  composeSample(kind, await web.directory.instanceBrand(), web.issuerUrl())

/** A message with sample values: its text, and its HTML in a frame. */
export async function showMailPreview(call: ConsoleCall): Promise<void> {
  const kind = kindIn(call)
  const { subject, text } = await sampleOf(call, kind)
  const { label, cause } = MESSAGE_KINDS[kind]
  call.show({
    view: 'console/mail-preview',
    title: `Preview: ${label}`,
    lead: cause,
    breadcrumbs: [
      { href: '/settings/instance', label: 'Settings' },
      { href: MAIL_PATH, label: 'Email' },
    ],
    hasFrame: true,
    data: {
      facts: [fact('Subject', textCell(subject))],
      frame: { title: `HTML of the message ${label}`, src: `${MAIL_PREVIEW_PATH}/html?kind=${kind}` },
      text: { label: 'Plain text', value: text },
    },
  })
}

/** The document in the frame. It runs nothing, leads nowhere, and is shown only inside this site. */
const FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"

export async function showMailHtml(call: ConsoleCall): Promise<void> {
  const { ctx } = call
  const { html } = await sampleOf(call, kindIn(call))
  setPageHeaders(ctx)
  ctx.set({ 'Content-Security-Policy': FRAME_POLICY, 'X-Frame-Options': 'SAMEORIGIN' })
  ctx.type = 'html'
  ctx.body = html
}
