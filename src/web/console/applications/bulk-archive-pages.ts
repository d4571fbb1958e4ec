import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type ArchiveCandidate, archiveApplications, previewArchive } from '../../../management/bulk-archive.ts'
import type { Form } from '../../forms.ts'
import { fact, textCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { carriedForm } from '../kit/impact-text.ts'
import { confirmPage } from '../kit/panels.ts'
import { APPLICATIONS_PATH, applicationsBreadcrumbs, BULK_ARCHIVE_PATH } from './application-list-page.ts'

const selectedIn = (form: Form): string[] =>
  [...form.keys()].filter((name) => name.startsWith('client.')).map((name) => name.slice('client.'.length))

function useOf(t: ConsoleTranslate, { isActive, activeTokens, callers: count }: ArchiveCandidate): string {
  if (!isActive) return t('already archived')
  const tokens = activeTokens.count === 0 ? t('no active tokens') : countedUpTo(t, activeTokens, 'active token')
  return count === 0
    ? t('{tokens}, no callers in the last 24 hours', { tokens })
    : t('{tokens}, {count, plural, one {# calling IP address} other {# calling IP addresses}} in the last 24 hours', {
        tokens,
        count,
      })
}

function askPage(t: ConsoleTranslate, candidates: readonly ArchiveCandidate[], form: Form): ConsolePage {
  const count = candidates.filter(({ isActive }) => isActive).length
  return confirmPage({
    title: t('Archive {count, plural, one {# application} other {# applications}}?', { count }),
    breadcrumbs: applicationsBreadcrumbs(t),
    text: t('You can restore an archived application later.'),
    stops: [t('revoke the access tokens and refresh tokens of these applications'), t('disable their client secrets')],
    facts: candidates.map((one) => fact(one.name, textCell(useOf(t, one)))),
    action: BULK_ARCHIVE_PATH,
    submit: t('Archive {count, plural, one {# application} other {# applications}}', { count }),
    hidden: carriedForm(form),
    keep: { href: APPLICATIONS_PATH, label: t('Cancel') },
  })
}

/** Asks first, and archives what the confirmation names. */
export async function archiveSelected({ management, who, form, show, goTo, t }: ConsoleCall): Promise<void> {
  const clientIds = selectedIn(form)
  if (clientIds.length === 0) return goTo(`${APPLICATIONS_PATH}?notice=none-selected`)
  if (!form.has('confirmed')) return show(askPage(t, await previewArchive(management, who, { clientIds }), form))
  await archiveApplications(management, who, { clientIds })
  goTo(`${APPLICATIONS_PATH}?notice=archived`)
}
