import type { Client } from '../../../clients/clients.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { ClientSecrets, SecretWithCallers } from '../../../management/client-secrets-reading.ts'
import type { RequiredPermission } from '../../../management/operation.ts'
import { isStale, notFound } from '../../../shared/errors.ts'
import { blocksPage } from './blocks.ts'
import type { ConsolePage } from './console-page.ts'
import type { ConsoleCall, ConsoleRoute } from './console-route.ts'
import { attempt, revisionOf } from './form-fields.ts'
import { secretBlocks } from './secret-blocks.ts'
import { planFields, planIn, planPage } from './secret-plan-page.ts'
import { actionsFor, previousSecret, retirementPage, type SecretPlace, secretIdOf } from './secret-retirement-page.ts'

interface Plan {
  readonly secretId: number
  readonly unusedHours: number
  readonly latestAt: Date | undefined
  readonly revision: number
}

interface LoadedSecrets {
  readonly secrets: ClientSecrets
  /** Breadcrumbs of the page with all secrets. */
  readonly breadcrumbs: NonNullable<ConsolePage['breadcrumbs']>
}

/** What has secrets: an application, or an API. */
export interface SecretOwner {
  /** Path of the routes: `/applications/:clientId/secrets`. */
  readonly path: string
  readonly permissions: { readonly read: RequiredPermission; readonly retire: RequiredPermission }
  /** The page with all secrets. */
  pathOf(call: ConsoleCall): string
  page(call: ConsoleCall, client: Client): Pick<ConsolePage, 'lead' | 'actions'> & { readonly title?: string }
  /** The page that changes a secret; undefined: it is replaced instead. */
  editPathOf?(call: ConsoleCall, secret: SecretWithCallers): string | undefined
  load(call: ConsoleCall): Promise<LoadedSecrets>
  retire(call: ConsoleCall, secretId: number): Promise<unknown>
  plan(call: ConsoleCall, plan: Plan): Promise<unknown>
}

const TITLE = 'Rotate secret'

const noticesOf = (t: ConsoleTranslate) => ({
  'secret-retired': t('Retired. Tokens obtained with it are revoked.'),
  'secret-planned': t('It retires when it is unused.'),
})

const CHANGED = 'Another user changed this client, so nothing was saved. To save your values, submit the form again.'

/** What the owner says of the page with all secrets, which has a title in any case. */
const pageOf = (owner: SecretOwner, call: ConsoleCall, { secrets }: LoadedSecrets) => ({
  title: call.t(TITLE),
  ...owner.page(call, secrets.client),
})

const placeOf = (owner: SecretOwner, call: ConsoleCall, loaded: LoadedSecrets): SecretPlace => {
  const secretsPath = owner.pathOf(call)
  const label = pageOf(owner, call, loaded).title
  return { secretsPath, breadcrumbs: [...loaded.breadcrumbs, { href: secretsPath, label }] }
}

async function showSecrets(owner: SecretOwner, call: ConsoleCall): Promise<void> {
  const loaded = await owner.load(call)
  const { secrets, breadcrumbs } = loaded
  const page = { notices: noticesOf(call.t), breadcrumbs, ...pageOf(owner, call, loaded) }
  call.show(
    blocksPage(
      page,
      secretBlocks(
        call.t,
        secrets,
        actionsFor(call.t, {
          secretsPath: owner.pathOf(call),
          ...secrets,
          editPathOf: (secret) => owner.editPathOf?.(call, secret),
        }),
      ),
    ),
  )
}

async function askRetirement(owner: SecretOwner, call: ConsoleCall): Promise<void> {
  const loaded = await owner.load(call)
  const secret = previousSecret(loaded.secrets, call.params.secretId)
  call.show(retirementPage(call.t, loaded.secrets, secret, placeOf(owner, call, loaded)))
}

async function retire(owner: SecretOwner, call: ConsoleCall): Promise<void> {
  await owner.retire(call, secretIdOf(call.params.secretId))
  call.goTo(`${owner.pathOf(call)}?notice=secret-retired`)
}

async function showPlan(owner: SecretOwner, call: ConsoleCall, state: Parameters<typeof planPage>[4] = {}) {
  const loaded = await owner.load(call)
  const secret = previousSecret(loaded.secrets, call.params.secretId)
  if (secret.isCurrent) throw notFound('previous secret', String(secret.id))
  call.show(planPage(call.t, loaded.secrets, secret, placeOf(owner, call, loaded), state))
}

async function plan(owner: SecretOwner, call: ConsoleCall): Promise<void> {
  const { form, files } = call
  const selected = { secretId: secretIdOf(call.params.secretId), revision: revisionOf(form) }
  try {
    const outcome = await attempt(planFields(call.t), { form, files }, (values) =>
      owner.plan(call, { ...selected, ...planIn(values) }),
    )
    if (outcome.fieldErrors) return await showPlan(owner, call, { typed: form, fieldErrors: outcome.fieldErrors })
    call.goTo(`${owner.pathOf(call)}?notice=secret-planned`)
  } catch (error) {
    if (!isStale(error)) throw error
    await showPlan(owner, call, { typed: form, status: 412, warning: call.t(CHANGED) })
  }
}

/** The secrets of an owner side by side, and how each previous one retires. */
export function secretPages(owner: SecretOwner): readonly ConsoleRoute[] {
  const route = (method: 'get' | 'post', rest: string, handle: typeof plan): ConsoleRoute => ({
    method,
    path: `${owner.path}${rest}`,
    permission: rest === '' ? owner.permissions.read : owner.permissions.retire,
    handle: (call) => handle(owner, call),
  })
  return [
    route('get', '', showSecrets),
    route('get', '/:secretId/retire', askRetirement),
    route('post', '/:secretId/retire', retire),
    route('get', '/:secretId/retire-unused', showPlan),
    route('post', '/:secretId/retire-unused', plan),
  ]
}
