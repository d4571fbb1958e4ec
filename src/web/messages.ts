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

const HOME = { label: 'Go to the start page', href: '/' }

/** It was answered, waited too long, or belongs to another browser; which of them is told to nobody. */
export const signInOverPage = (): Page =>
  messagePage({
    title: 'This sign-in is over',
    status: 400,
    paragraphs: [
      'It was answered already, waited for too long, or was begun in another browser.',
      'Go back to the application and start again there.',
    ],
    actions: [HOME],
  })

export const notFoundPage = (): Page =>
  messagePage({
    title: 'There is no page here',
    status: 404,
    paragraphs: ['The address may be mistyped, or what was here is gone.'],
    actions: [HOME],
  })

export const wrongMethodPage = (): Page =>
  messagePage({
    title: 'This address works differently',
    status: 405,
    paragraphs: ['It was asked in a way that it does not know. Start again from the page before.'],
    actions: [HOME],
  })

export const otherSitePage = (): Page =>
  messagePage({
    title: 'Another site sent this form',
    status: 403,
    paragraphs: ['Nothing was done. If you meant to do this, begin from our own page.'],
    actions: [HOME],
  })

/** @param form where the form that was sent can be had anew */
export const noCookiePage = (form: string): Page =>
  messagePage({
    title: 'Your browser did not send its cookie',
    status: 403,
    paragraphs: [
      'Nothing was done. Either your browser refuses cookies, or the page was open for very long.',
      'Allow cookies for this site, then try again.',
    ],
    actions: [{ label: 'Try again', href: form }, HOME],
  })

/** @param form where the form that was sent can be had anew */
export const oldPage = (form: string): Page =>
  messagePage({
    title: 'This page was too old',
    status: 403,
    paragraphs: ['Nothing was done, because the form was from an earlier visit. Load it anew and try again.'],
    actions: [{ label: 'Try again', href: form }, HOME],
  })

export const serverFailurePage = (ctx: Context): Page =>
  messagePage({
    title: 'Something went wrong on our side',
    status: 500,
    paragraphs: ['Try again in a moment. If it happens again, tell us the request id below: it leads us to the cause.'],
    requestId: ctx.state.requestId,
    actions: [HOME],
  })

export const unavailablePage = (ctx: Context): Page =>
  messagePage({
    title: 'We cannot answer just now',
    status: 503,
    paragraphs: ['Our database is not within reach. Nothing of yours is lost; try again in a few seconds.'],
    requestId: ctx.state.requestId,
    actions: [HOME],
  })

export const refusedPage = (ctx: Context, status: number, title: string, sentence: string): Page =>
  messagePage({ title, status, paragraphs: [sentence], requestId: ctx.state.requestId, actions: [HOME] })
