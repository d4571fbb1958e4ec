import { ENGLISH, LANGUAGE_CODES, LANGUAGES, type Language, languageOf } from '../../../languages/languages.ts'
import { composeSample } from '../../../mail/message-composition.ts'
import { MESSAGE_KIND_NAMES, MESSAGE_KINDS, type MessageKindName } from '../../../mail/message-kinds.ts'
import type { RenderedMessage } from '../../../mail/message-rendering.ts'
import { setPageHeaders } from '../../page-headers.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { choiceIn } from '../kit/query-fields.ts'
import { MAIL_PATH } from './mail-block.ts'

export const MAIL_PREVIEW_PATH = `${MAIL_PATH}/preview`

const kindIn = ({ query }: ConsoleCall): MessageKindName =>
  choiceIn(query, 'kind', MESSAGE_KIND_NAMES) ?? MESSAGE_KIND_NAMES[0]!

const languageIn = ({ query }: ConsoleCall): Language =>
  languageOf(choiceIn(query, 'language', LANGUAGE_CODES) ?? ENGLISH.code)!

const sampleOf = async (call: ConsoleCall): Promise<RenderedMessage> => {
  const { web } = call
  return composeSample(kindIn(call), languageIn(call), await web.directory.instanceBrand(), web.issuerUrl())
}

const previewPath = (end: '' | '/html', kind: MessageKindName, { code }: Language): string =>
  `${MAIL_PREVIEW_PATH}${end}?${new URLSearchParams({ kind, language: code })}`

/** A message with sample values, in one of the languages: its text, and its HTML in a frame. */
export async function showMailPreview(call: ConsoleCall): Promise<void> {
  const { t } = call
  const kind = kindIn(call)
  const language = languageIn(call)
  const { subject, text } = await sampleOf(call)
  const label = t.declared(MESSAGE_KINDS[kind].label)
  call.show({
    view: 'console/mail-preview',
    title: t('Preview: {message}', { message: label }),
    lead: t.declared(MESSAGE_KINDS[kind].cause),
    breadcrumbs: [
      { href: '/settings/instance', label: t('Settings') },
      { href: MAIL_PATH, label: t('Email') },
    ],
    hasFrame: true,
    data: {
      subject: { text: subject, language },
      choices: LANGUAGES.map((one) => ({
        ...one,
        href: previewPath('', kind, one),
        current: one.code === language.code,
      })),
      frame: {
        title: t('HTML of the message {message}', { message: label }),
        src: previewPath('/html', kind, language),
      },
      text: { label: t('Plain text'), value: text, language },
    },
  })
}

/** The document in the frame. It runs nothing, leads nowhere, and is shown only inside this site. */
const FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"

export async function showMailHtml(call: ConsoleCall): Promise<void> {
  const { ctx } = call
  const { html } = await sampleOf(call)
  setPageHeaders(ctx)
  ctx.set({ 'Content-Security-Policy': FRAME_POLICY, 'X-Frame-Options': 'SAMEORIGIN' })
  ctx.type = 'html'
  ctx.body = html
}
