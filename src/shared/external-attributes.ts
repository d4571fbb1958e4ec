import { attribute, identifierText, metadata, nullable } from './attributes.ts'
import { metadataError } from './object-metadata.ts'

/** Characters. */
export const MAX_EXTERNAL_ID = 200

/** Visible ASCII, so that equal IDs look equal and an ID can be a part of a path. `.` and `..` are steps of a path. */
export const isExternalId = (id: string): boolean => /^(?!\.{1,2}$)[\x21-\x7e]{1,200}$/.test(id)

/**
 * What a company keeps with an object for its own use. Only operators read and set it: its `externalId` is unique in the
 * instance, so that a conflict would reveal an object of another account.
 * @param what the object: `account`
 */
export const externalAttributes = ({ what, section }: { readonly what: string; readonly section: string }) => ({
  externalId: attribute({
    type: nullable(identifierText(MAX_EXTERNAL_ID), 'not set'),
    initial: null,
    operatorOnly: true,
    section,
    label: 'External ID',
    hint: `Your own ID of this ${what}, unique in this instance. Only operators see it.`,
    description: `The company's own ID of the ${what}: at most ${MAX_EXTERNAL_ID} visible ASCII characters, unique in the instance; null: none`,
    example: 'cus_8Jx2',
    option: { help: `Your own ID of the ${what}, unique in this instance; '' removes it` },
    validate: (id) =>
      isExternalId(id) ? undefined : 'an external ID has 1 to 200 visible ASCII characters, and is not . or ..',
  }),
  metadata: attribute({
    type: metadata,
    initial: {},
    operatorOnly: true,
    section,
    label: 'Metadata',
    hint: 'A JSON object for your own use, at most 4 KiB. Only operators see it.',
    placeholder: '{"plan": "gold"}',
    description: `A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it`,
    example: { plan: 'gold' },
    option: { help: "JSON object for your own use, at most 4 KiB, in place of the present one; '' removes it" },
    validate: metadataError,
  }),
})
