import type { Translate } from '../languages/translator.ts'
import type { EarlierCredentials } from '../management/earlier-credentials.ts'
import { type EarlierProblem, earlierData, earlierStatus } from './earlier-credentials-form.ts'
import { messagePage } from './messages.ts'
import type { Page } from './page.ts'

/** A page with one button, which a link in a message opened. */
interface LinkConfirmation {
  readonly title: string
  readonly lead: string
  readonly email: string
  readonly action: string
  readonly token: string
  readonly submit: string
  /** Below the button, as HTML. */
  readonly note?: string
}

const confirmLinkPage = ({ title, ...data }: LinkConfirmation): Page => ({ view: 'confirm-link', title, data })

export const VERIFY_PATH = '/email/verify'

export const verifyPage = (t: Translate, email: string, token: string): Page =>
  confirmLinkPage({
    title: t('verification.title'),
    lead: t('verification.lead'),
    email,
    action: VERIFY_PATH,
    token,
    submit: t('verification.submit'),
  })

/** @param forgotPath undefined: the instance sends no links for passwords */
export const signInToVerifyPage = (
  t: Translate,
  {
    email,
    token,
    forgotPath,
  }: { readonly email: string; readonly token: string; readonly forgotPath: string | undefined },
): Page =>
  confirmLinkPage({
    title: t('verification.title'),
    lead: t('verification.signIn'),
    email,
    action: VERIFY_PATH,
    token,
    submit: t('common.signIn'),
    ...(forgotPath !== undefined && { note: t.html('verification.signInNote', {}, { forgot: forgotPath }) }),
  })

interface EarlierState extends EarlierProblem {
  readonly email: string
  readonly token: string
  readonly earlier: EarlierCredentials
}

/** The user of the link is signed in, and decides about what was set up before. */
export const earlierPage = (t: Translate, { email, token, earlier, ...problem }: EarlierState): Page => {
  const form = {
    action: VERIFY_PATH,
    hidden: { token },
    endLabel: t('verification.end'),
    keepLabel: t('verification.keep'),
  }
  return {
    view: 'verify-email',
    title: t('verification.title'),
    status: earlierStatus(problem),
    data: { email, earlier: earlierData(t, earlier, form, problem) },
  }
}

export const verifiedPage = (t: Translate): Page =>
  messagePage({
    title: t('verification.done'),
    paragraphs: [t('verification.doneText')],
    actions: [{ label: t('common.home'), href: '/' }],
  })

export const verificationOverPage = (t: Translate): Page =>
  messagePage({
    title: t('passwordLink.over'),
    status: 400,
    paragraphs: [t('verification.overText'), t('verification.overHint')],
    actions: [{ label: t('security.title'), href: '/account/security' }],
  })
