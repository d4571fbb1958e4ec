import type { DescribedScope } from '../apis/scope-texts.ts'
import type { Translate } from '../languages/translator.ts'
import { linksTo } from './application-links.ts'
import { isLoopback } from './loopback-address.ts'
import type { Page } from './page.ts'
import { formTargets } from './page-headers.ts'
import { permissionGroups } from './permission-groups.ts'
import { portrait } from './portrait.ts'
import type { Application, WebUser } from './sign-in-directory.ts'
import type { Interaction } from './sign-in-flow.ts'

interface Question {
  readonly t: Translate
  readonly interaction: Interaction
  readonly application: Application
  readonly user: WebUser
  readonly texts: readonly DescribedScope[]
  readonly path: string
  /** Somebody else has signed in in this browser since the page was shown. */
  readonly userChanged: boolean
  /** None of the accounts that can be chosen was selected. */
  readonly accountMissing: boolean
}

/** Where the answer goes, as HTML. The host of a site is what a user may check; there is none on their own device. */
function destination(t: Translate, redirectUri: string | undefined): string {
  if (redirectUri === undefined) return t.html('consent.toDevice')
  const url = URL.parse(redirectUri)
  const isSite = url && /^https?:$/.test(url.protocol) && !isLoopback(url)
  return isSite ? t.html('consent.toSite', { host: url.host }) : t.html('consent.toApplication')
}

/** The accounts as radio buttons; undefined: there is no choice. */
function choiceOf(t: Translate, { accountChoice }: Interaction) {
  return accountChoice?.accounts.map(({ accountId, accountName, role }) => ({
    id: accountId,
    name: accountName,
    role: t(`role.${role}`),
    isSelected: accountId === accountChoice.selected,
  }))
}

/** Who asks, what for, as whom, for which of their accounts, and two buttons. */
export function allowPage(question: Question): Page {
  const { t, interaction, application, user, texts, path, userChanged, accountMissing } = question
  const isChoiceAlone = interaction.accountChoice?.isAlone === true
  const groups = isChoiceAlone ? [] : permissionGroups(t, interaction.wanted, texts)
  const accounts = choiceOf(t, interaction)
  return {
    view: 'consent',
    title: t(isChoiceAlone ? 'consent.continueTitle' : 'consent.title', { name: application.name }),
    formTargets: formTargets(interaction.redirectUri),
    data: {
      path,
      application,
      groups,
      accounts,
      isChoiceAlone,
      accountMissing,
      links: linksTo(t, application.pages),
      userChanged,
      // With a choice, the account of the session says nothing yet.
      user: portrait({ ...user, accountName: accounts ? null : (interaction.accountName ?? user.accountName) }),
      destination: destination(t, interaction.redirectUri),
      isDevice: interaction.redirectUri === undefined,
    },
  }
}
