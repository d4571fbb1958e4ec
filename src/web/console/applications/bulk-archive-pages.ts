import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { type ArchiveCandidate, archiveApplications, previewArchive } from '../../../management/bulk-archive.ts'
import type { Form } from '../../forms.ts'
import { fact, textCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { counted, countedUpTo } from '../kit/counts.ts'
import { carriedForm } from '../kit/impact-text.ts'
import { confirmPage } from '../kit/panels.ts'
import { APPLICATIONS_BREADCRUMBS, APPLICATIONS_PATH, BULK_ARCHIVE_PATH } from './application-list-page.ts'

const selectedIn = (form: Form): string[] =>
  [...form.keys()].filter((name) => name.startsWith('client.')).map((name) => name.slice('client.'.length))

function useOf({ isActive, activeTokens, callers }: ArchiveCandidate): string {
  if (!isActive) return 'already archived'
  const addresses = callers === 0 ? 'no callers' : counted(toConsoleEnglish(), callers, 'calling IP address')
  const tokens =
    activeTokens.count === 0 ? 'no active tokens' : countedUpTo(toConsoleEnglish(), activeTokens, 'active token')
  return `${tokens}, ${addresses} in the last 24 hours`
}

const applications = (count: number): string => counted(toConsoleEnglish(), count, 'application')

function askPage(candidates: readonly ArchiveCandidate[], form: Form): ConsolePage {
  const count = candidates.filter(({ isActive }) => isActive).length
  return confirmPage({
    title: `Archive ${applications(count)}?`,
    breadcrumbs: APPLICATIONS_BREADCRUMBS,
    text: 'You can restore an archived application later.',
    stops: ['revoke the access tokens and refresh tokens of these applications', 'disable their client secrets'],
    facts: candidates.map((one) => fact(one.name, textCell(useOf(one)))),
    action: BULK_ARCHIVE_PATH,
    submit: `Archive ${applications(count)}`,
    hidden: carriedForm(form),
    keep: { href: APPLICATIONS_PATH, label: 'Cancel' },
  })
}

/** Asks first, and archives what the confirmation names. */
export async function archiveSelected({ management, who, form, show, goTo }: ConsoleCall): Promise<void> {
  const clientIds = selectedIn(form)
  if (clientIds.length === 0) return goTo(`${APPLICATIONS_PATH}?notice=none-selected`)
  if (!form.has('confirmed')) return show(askPage(await previewArchive(management, who, { clientIds }), form))
  await archiveApplications(management, who, { clientIds })
  goTo(`${APPLICATIONS_PATH}?notice=archived`)
}
