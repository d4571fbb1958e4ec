import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { LANGUAGES } from '../../../languages/languages.ts'
import { type ApiDetails, changeApi, type ScopeView } from '../../../management/api-operations.ts'
import { type FieldError, KeywrightError, notFound } from '../../../shared/errors.ts'
import { canonicalLanguageTag } from '../../../shared/language-tags.ts'
import type { Form } from '../../forms.ts'
import { blocksPage } from '../kit/blocks.ts'
import { linkCell, textCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { attempt, type Fields, revisionOf, type ValuesOf, writeFields } from '../kit/form-fields.ts'
import { compareVersions, formView } from '../kit/form-view.ts'
import { listView } from '../kit/list-page.ts'
import { textField } from '../kit/text-fields.ts'
import { apiOf, apisLink, pathOf } from './api-pages.ts'

/** An API with one language of its scopes' texts. */
interface Translated {
  readonly view: ApiDetails
  readonly language: string
}

/** @throws KeywrightError `not_found` (also for the built-in API, whose texts come with its version) */
async function changeableApi(call: ConsoleCall): Promise<ApiDetails> {
  const view = await apiOf(call)
  if (view.api.builtIn) throw notFound('API with texts to translate', view.api.identifier)
  return view
}

/** @throws KeywrightError `not_found` */
async function translatedApi(call: ConsoleCall): Promise<Translated> {
  const { language = '' } = call.params
  if (canonicalLanguageTag(language) !== language) throw notFound('language', language.slice(0, 100))
  return { view: await changeableApi(call), language }
}

const languagesPath = (view: ApiDetails): string => `${pathOf(view)}/languages`

const formPath = ({ view, language }: Translated): string => `${languagesPath(view)}/${language}`

/** As the language of the page calls it. */
const languageName = (t: ConsoleTranslate, tag: string): string =>
  new Intl.DisplayNames(t.language.locale, { type: 'language' }).of(tag) ?? tag

/** Those of the pages first, then those in which there are texts. */
const languagesOf = ({ scopes }: ApiDetails): string[] => [
  ...new Set([
    ...LANGUAGES.map(({ code }) => code),
    ...scopes.flatMap(({ translations }) => Object.keys(translations)),
  ]),
]

async function showLanguages(call: ConsoleCall): Promise<void> {
  const { t } = call
  const view = await changeableApi(call)
  const title = t('Texts in other languages')
  const rows = languagesOf(view).map((language) => [
    linkCell(languageName(t, language), formPath({ view, language }), language),
    textCell(
      t('{done} of {all, plural, one {# scope} other {# scopes}}', {
        done: view.scopes.filter(({ translations }) => Object.hasOwn(translations, language)).length,
        all: view.scopes.length,
      }),
    ),
  ])
  const page = {
    title,
    lead: t(
      'Users read the consent page in their language. A scope without a text in it shows the text of the API’s form.',
    ),
    breadcrumbs: [apisLink(t), { href: pathOf(view), label: view.api.identifier }],
    notices: { saved: t('Texts saved.') },
  }
  const columns = [{ heading: t('Language') }, { heading: t('Texts') }]
  const list = listView({ caption: title, columns, rows, empty: { title: '', text: '' } })
  call.show(blocksPage(page, [{ part: 'list', list }]))
}

const titleName = (scope: string): string => `title:${scope}`
const descriptionName = (scope: string): string => `description:${scope}`

const fieldsOf = (t: ConsoleTranslate, { view, language }: Translated) =>
  Object.fromEntries(
    view.scopes.flatMap(({ scope }) => [
      [titleName(scope), textField({ label: t('Title'), maxLength: 100, language })],
      [descriptionName(scope), textField({ label: t('Description'), maxLength: 500, language })],
    ]),
  ) satisfies Fields

type TextFields = ReturnType<typeof fieldsOf>

const presentForm = (t: ConsoleTranslate, translated: Translated): Form =>
  writeFields(
    fieldsOf(t, translated),
    Object.fromEntries(
      translated.view.scopes.flatMap(({ scope, translations }) => {
        const text = translations[translated.language]
        return text
          ? [
              [titleName(scope), text.title],
              [descriptionName(scope), text.description],
            ]
          : []
      }),
    ),
  )

const originalOf = ({ scope, title, description }: ScopeView): string =>
  [title === scope ? '' : title, description].filter(Boolean).join(' · ')

interface Tried {
  readonly typed?: Form
  readonly fieldErrors?: readonly FieldError[]
  readonly isStale?: boolean
}

function formPage(
  t: ConsoleTranslate,
  translated: Translated,
  { typed, fieldErrors = [], isStale }: Tried = {},
): ConsolePage {
  const { view, language } = translated
  const fields = fieldsOf(t, translated)
  const present = presentForm(t, translated)
  const action = formPath(translated)
  const form = formView({
    fields,
    sections: view.scopes.map((one) => ({
      heading: one.scope,
      lead: originalOf(one),
      fields: [titleName(one.scope), descriptionName(one.scope)],
    })),
    typed: typed ?? present,
    fieldErrors,
    revision: view.api.revision,
    action,
    submit: t('Save'),
    cancel: languagesPath(view),
  })
  const versions = isStale && { versions: compareVersions(t, fields, typed!, present), present: action }
  return {
    view: 'console/edit',
    title: t('Texts in {language}', { language: languageName(t, language) }),
    lead: t('A scope whose title is empty has no text in this language.'),
    status: isStale ? 412 : fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: [
      apisLink(t),
      { href: pathOf(view), label: view.api.identifier },
      { href: languagesPath(view), label: t('Texts in other languages') },
    ],
    data: { form, ...versions },
  }
}

async function showForm(call: ConsoleCall): Promise<void> {
  call.show(formPage(call.t, await translatedApi(call)))
}

/** The texts that differ from those before, by scope. An empty title removes a text; a description needs a title. */
function textsIn({ view, language }: Translated, values: ValuesOf<TextFields>) {
  const changed = view.scopes.flatMap(({ scope, translations }) => {
    const [title, description] = [values[titleName(scope)] ?? '', values[descriptionName(scope)] ?? '']
    const before = translations[language] ?? { title: '', description: '' }
    if (title === before.title && description === before.description) return []
    const text = title === '' && description === '' ? null : { title, description }
    return [[scope, { translations: { [language]: text } }] as const]
  })
  return Object.fromEntries(changed)
}

async function saveForm(call: ConsoleCall): Promise<void> {
  const { t, form, management, who, show, goTo } = call
  const translated = await translatedApi(call)
  const { identifier } = translated.view.api
  const revision = revisionOf(form)
  if (revision !== translated.view.api.revision) return show(formPage(t, translated, { typed: form, isStale: true }))
  try {
    const outcome = await attempt(fieldsOf(t, translated), call, (values) =>
      changeApi(management, who, { identifier, changes: {}, texts: textsIn(translated, values), revision }),
    )
    if (outcome.fieldErrors) return show(formPage(t, translated, { typed: form, fieldErrors: outcome.fieldErrors }))
    goTo(`${languagesPath(translated.view)}?notice=saved`)
  } catch (error) {
    if (!(error instanceof KeywrightError) || error.code !== 'stale') throw error
    show(formPage(t, await translatedApi(call), { typed: form, isStale: true }))
  }
}

const PATH = '/apis/:apiId/languages'

export const SCOPE_LANGUAGE_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: PATH, permission: changeApi.permission, handle: showLanguages },
  { method: 'get', path: `${PATH}/:language`, permission: changeApi.permission, handle: showForm },
  { method: 'post', path: `${PATH}/:language`, permission: changeApi.permission, handle: saveForm },
]
