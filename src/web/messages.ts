import type { Context } from 'koa'
import type { Page } from './page.ts'

/** A page that says one thing, and how to go on. */
export interface Message {
  readonly title: string
  readonly status?: number
  readonly paragraphs: readonly string[]
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

const HOME = { label: 'Go to the home page', href: '/' }

/** For an interaction that is finished, has expired or belongs to another browser. The page does not reveal which. */
export const signInOverPage = (): Page =>
  messagePage({
    title: 'This sign-in has expired',
    status: 400,
    paragraphs: [
      'It was already completed, took too long, or was started in another browser.',
      'Go back to the application and try again.',
    ],
    actions: [HOME],
  })

export const notFoundPage = (): Page =>
  messagePage({
    title: 'Page not found',
    status: 404,
    paragraphs: ['Check the address. The page may have been removed.'],
    actions: [HOME],
  })

export const wrongMethodPage = (): Page =>
  messagePage({
    title: 'Method not allowed',
    status: 405,
    paragraphs: ['This page does not support the request method. Go back and try again.'],
    actions: [HOME],
  })

export const otherSitePage = (): Page =>
  messagePage({
    title: 'Request blocked',
    status: 403,
    paragraphs: [
      'The form was sent from another site, so nothing was changed. To continue, open the page on this site.',
    ],
    actions: [HOME],
  })

/** @param form where the form that was sent can be had anew */
export const noCookiePage = (form: string): Page =>
  messagePage({
    title: 'Cookies are required',
    status: 403,
    paragraphs: [
      'Nothing was changed. Your browser blocks cookies, or the page was open for too long.',
      'Allow cookies for this site, then try again.',
    ],
    actions: [{ label: 'Try again', href: form }, HOME],
  })

/** @param form where the form that was sent can be had anew */
export const oldPage = (form: string): Page =>
  messagePage({
    title: 'This page has expired',
    status: 403,
    paragraphs: ['Nothing was changed. Reload the page and try again.'],
    actions: [{ label: 'Try again', href: form }, HOME],
  })

export const serverFailurePage = (ctx: Context): Page =>
  messagePage({
    title: 'Something went wrong on our side',
    status: 500,
    paragraphs: ['Try again in a moment. If the problem continues, contact support with the request ID below.'],
    requestId: ctx.state.requestId,
    actions: [HOME],
  })

export const unavailablePage = (ctx: Context): Page =>
  messagePage({
    title: 'Service unavailable',
    status: 503,
    paragraphs: ['The database is unavailable. No data is lost. Try again in a few seconds.'],
    requestId: ctx.state.requestId,
    actions: [HOME],
  })

export const refusedPage = (ctx: Context, status: number, title: string, sentence: string): Page =>
  messagePage({ title, status, paragraphs: [sentence], requestId: ctx.state.requestId, actions: [HOME] })
