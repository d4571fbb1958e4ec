import type { Context } from 'koa'
import type { Translate } from '../languages/translator.ts'
import type { Page } from './page.ts'

/** A page that says one thing, and how to go on. */
export interface Message {
  readonly title: string
  readonly status?: number
  readonly paragraphs: readonly string[]
  /** A paragraph that exists in English only. */
  readonly englishParagraph?: string
  /** What the other side said, word for word. */
  readonly detail?: string
  /** Shown where somebody may be asked for help. */
  readonly requestId?: string
  readonly actions?: readonly { readonly label: string; readonly href: string }[]
}

export const messagePage = (message: Message): Page => ({
  view: 'message',
  title: message.title,
  status: message.status,
  data: { message },
})

const homeLink = (t: Translate) => ({ label: t('common.home'), href: '/' })

/** For an interaction that is finished, has expired or belongs to another browser. The page does not reveal which. */
export const signInOverPage = (t: Translate): Page =>
  messagePage({
    title: t('error.signInOver'),
    status: 400,
    paragraphs: [t('error.signInOverReason'), t('error.signInOverText')],
    actions: [homeLink(t)],
  })

export const notFoundPage = (t: Translate): Page =>
  messagePage({
    title: t('error.notFound'),
    status: 404,
    paragraphs: [t('error.notFoundText')],
    actions: [homeLink(t)],
  })

export const wrongMethodPage = (t: Translate): Page =>
  messagePage({
    title: t('error.wrongMethod'),
    status: 405,
    paragraphs: [t('error.wrongMethodText')],
    actions: [homeLink(t)],
  })

export const otherSitePage = (t: Translate): Page =>
  messagePage({
    title: t('error.otherSite'),
    status: 403,
    paragraphs: [t('error.otherSiteText')],
    actions: [homeLink(t)],
  })

/** @param form where the form that was sent can be had anew */
export const noCookiePage = (t: Translate, form: string): Page =>
  messagePage({
    title: t('error.noCookie'),
    status: 403,
    paragraphs: [t('error.noCookieReason'), t('error.noCookieText')],
    actions: [{ label: t('common.tryAgain'), href: form }, homeLink(t)],
  })

/** @param form where the form that was sent can be had anew */
export const oldPage = (t: Translate, form: string): Page =>
  messagePage({
    title: t('error.oldPage'),
    status: 403,
    paragraphs: [t('error.oldPageText')],
    actions: [{ label: t('common.tryAgain'), href: form }, homeLink(t)],
  })

export const serverFailurePage = (t: Translate, ctx: Context): Page =>
  messagePage({
    title: t('error.server'),
    status: 500,
    paragraphs: [t('error.later')],
    requestId: ctx.state.requestId,
    actions: [homeLink(t)],
  })

export const unavailablePage = (t: Translate, ctx: Context): Page =>
  messagePage({
    title: t('error.unavailable'),
    status: 503,
    paragraphs: [t('error.unavailableText')],
    requestId: ctx.state.requestId,
    actions: [homeLink(t)],
  })

type Reason = Pick<Message, 'paragraphs' | 'englishParagraph'>

export const refusedPage = (t: Translate, ctx: Context, refusal: Reason & { status: number; title: string }): Page =>
  messagePage({ ...refusal, requestId: ctx.state.requestId, actions: [homeLink(t)] })
