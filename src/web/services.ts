import type { Context } from 'koa'
import type { SignIn } from '../accounts/sign-in.ts'
import type { Actor } from '../audit/audit-log.ts'
import type { Directory, Person } from './directory.ts'
import type { Show } from './renderer.ts'
import type { SignInFlow } from './sign-in-flow.ts'

/** What the features and the protocol give this face. */
export interface WebServices {
  readonly flow: SignInFlow
  readonly signIn: SignIn
  readonly directory: Directory
  issuerUrl(): string
  /** Where this process reaches itself. */
  ownUrl(): string
}

/** What the routes work with. */
export interface Web extends WebServices {
  readonly show: Show
}

/** Who is signed in in this browser and may act. */
export const currentPerson = ({ flow }: WebServices, ctx: Context): Promise<Person | undefined> => flow.signedIn(ctx)

/** @param id absent while nobody has proved who they are */
export const actorOf = (ctx: Context, id?: string): Actor => ({
  type: 'user',
  id,
  ip: ctx.ip,
  requestId: ctx.state.requestId,
})
