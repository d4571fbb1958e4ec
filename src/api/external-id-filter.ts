import { z } from 'zod'
import { MAX_EXTERNAL_ID } from '../shared/external-attributes.ts'

/** A filter of lists. */
export const externalIdFilter = z
  .string()
  .max(MAX_EXTERNAL_ID)
  .optional()
  .meta({ description: 'The complete external ID; for operators only' })
