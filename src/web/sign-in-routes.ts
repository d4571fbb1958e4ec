import Router from '@koa/router'
import type { Context } from 'koa'
import { ownPath } from './return-to.ts'
import { currentPerson, type Web } from './services.ts'
import { type SignInPlace, signInPage, tryChoosePassword, trySignIn } from './sign-in-steps.ts'

export const signInPathTo = (path: string): string => `/signin?return_to=${encodeURIComponent(path)}`

function placeOf(web: Web, returnTo: string): SignInPlace {
  return {
    signInPath: '/signin',
    passwordPath: '/signin/password',
    returnTo,
    async finish(ctx, login) {
      await web.flow.signIn(ctx, login)
      seeOther(ctx, returnTo)
    },
  }
}

/** After a POST, so that going back and loading anew repeat nothing. */
export function seeOther(ctx: Context, path: string): void {
  ctx.status = 303
  ctx.redirect(path)
}

/** Signing in without an application having asked, and signing out. */
export function signInRoutes(web: Web): Router {
  const router = new Router()

  router.get('/signin', async (ctx) => {
    const returnTo = ownPath(ctx.query.return_to)
    if (await currentPerson(web, ctx)) ctx.redirect(returnTo)
    else web.show(ctx, signInPage(placeOf(web, returnTo)))
  })

  router.post('/signin', async (ctx) => {
    const { form } = ctx.state
    await trySignIn(web, ctx, placeOf(web, ownPath(form.get('return_to'))), form)
  })

  router.post('/signin/password', async (ctx) => {
    const { form } = ctx.state
    await tryChoosePassword(web, ctx, placeOf(web, ownPath(form.get('return_to'))), form)
  })

  router.post('/signout', async (ctx) => {
    await web.flow.signOut(ctx)
    seeOther(ctx, '/?notice=signed-out')
  })

  return router
}
