import { KeywrightError } from '../shared/errors.ts'

/** How often an object may be created or deleted by others during one request. */
const ATTEMPTS = 4

interface Stored {
  readonly id: string
  readonly revision: number
}

interface Steps<One extends Stored> {
  find(): Promise<One | undefined>
  create(): Promise<One>
  update(known: One): Promise<One>
}

/** What a request made of an object that it named by its external ID. */
export interface Upserted<One> {
  readonly object: One
  readonly status: 'created' | 'updated' | 'unchanged'
}

/** Whether another request may have created or deleted the object since it was looked up. */
const mayHaveChanged = (error: unknown): boolean =>
  error instanceof KeywrightError && ['conflict', 'not_found'].includes(error.code)

/**
 * Creates the object if it does not exist, and updates it otherwise. The unique index decides: of the same requests at several nodes,
 * one creates the object, and the others fail to, find it and update it.
 * @throws KeywrightError as `create` and `update`
 */
export async function createOrUpdate<One extends Stored>({ find, create, update }: Steps<One>): Promise<Upserted<One>> {
  let known = await find()
  for (let n = 1; ; n++) {
    try {
      if (!known) return { object: await create(), status: 'created' }
      const object = await update(known)
      return { object, status: object.revision === known.revision ? 'unchanged' : 'updated' }
    } catch (error) {
      if (n === ATTEMPTS || !mayHaveChanged(error)) throw error
      const now = await find()
      if (now?.id === known?.id) throw error
      known = now
    }
  }
}
