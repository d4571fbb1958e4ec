import { z } from 'zod'
import type { DeletionState } from '../management/deletion-operations.ts'

const deleting = z
  .object({ status: z.literal('deleting').meta({ description: 'A job deletes the rest within minutes' }) })
  .meta({ id: 'Deletion' })

/** 204: deleted. 202: nothing of the object works any more, and a job deletes the rest. */
export const deletionResponses = { 204: null, 202: deleting }

export const deletionReply = (state: DeletionState) =>
  state === 'deleted' ? { status: 204 } : { status: 202, body: { status: 'deleting' as const } }
