import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type Attribute, type Attributes, entriesOf, type ValueOf } from '../../../shared/attributes.ts'
import { claimWords, type DeclaredClaim, parseClaims } from '../../../shared/declared-claims.ts'
import { KeywrightError } from '../../../shared/errors.ts'
import { IMAGE_TYPES, type Image, imageOf } from '../../../shared/images.ts'
import { type Metadata, parseMetadata } from '../../../shared/object-metadata.ts'
import { splitWords } from '../../../shared/split-words.ts'
import { durationField, rateField } from './amount-fields.ts'
import { type Choice, checkboxesField, checkboxField, radioField, selectField } from './choice-fields.ts'
import { mapped, negated, nullable, validated } from './field-changes.ts'
import type { Field, FieldText } from './form-fields.ts'
import {
  areaField,
  colourField,
  emailField,
  fileField,
  linesField,
  numberField,
  textField,
  urlField,
} from './text-fields.ts'

// Derives form fields from the attributes of a resource.

/** Who fills in the form, and about which values. */
export interface FormUser {
  readonly isOperator: boolean
  readonly t: ConsoleTranslate
  /** The current values; absent: a new resource. */
  readonly current?: object | undefined
}

type OfKind<Kind extends Attribute['type']['kind']> = Extract<Attribute['type'], { readonly kind: Kind }>

interface Source<Kind extends Attribute['type']['kind']> {
  readonly t: ConsoleTranslate
  readonly attribute: Attribute
  /** Its labels are translated. */
  readonly type: OfKind<Kind>
  readonly text: FieldText & { readonly placeholder?: string }
  /** Whether the user may select a choice that only operators may select. */
  mayChoose(choice: Choice<string> & { readonly operatorOnly?: boolean }): boolean
}

const declaredOrNone = (t: ConsoleTranslate, text: string | undefined): string | undefined =>
  text === undefined ? undefined : t.declared(text)

const translatedText = (t: ConsoleTranslate, { label, hint }: FieldText): FieldText => ({
  label: t.declared(label),
  hint: declaredOrNone(t, hint),
})

const translatedChoice = (t: ConsoleTranslate, { value, label, hint }: Choice<string>): Choice<string> => ({
  value,
  ...translatedText(t, { label, hint }),
})

function booleanField({ t, attribute, type, text }: Source<'boolean'>): Field<boolean> {
  if (attribute.opposite) return negated(checkboxField(translatedText(t, attribute.opposite)))
  if (!type.yes || !type.no) return checkboxField(text)
  const [yes, no] = [type.yes, type.no].map((one) => translatedChoice(t, one)) as [Choice<string>, Choice<string>]
  return mapped(
    radioField<string>({ ...text, required: true, choices: [no, yes] }),
    (sent) => sent === yes.value,
    (value) => (value ? yes : no).value,
  )
}

/** The items of a selection box have no other place for a hint. */
const withHintInLabel = ({ value, label, hint }: Choice<string>): Choice<string> => ({
  value,
  label: hint ? `${label}: ${hint}` : label,
})

function choiceField({ t, type, text, mayChoose }: Source<'choice'>): Field<string | null> | Field<string> {
  const field = type.control === 'select' ? selectField<string> : radioField<string>
  const isRadio = type.control === 'radio'
  const offered = type.choices.filter(mayChoose).map((one) => translatedChoice(t, one))
  const choices = offered.map((one) => (isRadio ? one : withHintInLabel(one)))
  if (type.nullLabel === undefined) return field({ ...text, required: isRadio, choices })
  return nullable(
    field({ ...text, required: isRadio, choices: [{ value: '', label: t.declared(type.nullLabel) }, ...choices] }),
  )
}

function singleLineField({ type, text }: Source<'text'>): Field<string> | Field<string | null> {
  const field = textField({ ...text, maxLength: type.maxLength })
  return type.nullLabel === undefined ? field : nullable(field)
}

/** The messages of `validate` count in seconds; people do not. */
const lifetimeField = ({ t, attribute, type, text }: Source<'duration'>): Field<number | null> =>
  validated(
    durationField({
      ...text,
      required: type.nullLabel === undefined,
      unit: type.unit,
      placeholder: declaredOrNone(t, type.nullLabel),
    }),
    (seconds) =>
      seconds !== null && attribute.validate?.(seconds) !== undefined
        ? {
            fieldError: t('enter a time from 1 minute to {longest}', { longest: t.duration(type.longest) }),
            isTranslated: true,
          }
        : undefined,
  )

const countField = ({ attribute, type, text }: Source<'count'>): Field<number | null> =>
  validated(numberField({ ...text, required: type.nullLabel === undefined }), (count) =>
    count === null ? undefined : attribute.validate?.(count),
  )

function uriField({ type, text }: Source<'uri'>): Field<string | null> | Field<string> {
  const field = urlField({ ...text, maxLength: type.maxLength })
  return type.nullLabel === undefined ? field : nullable(field)
}

const wordsField = ({ type, text }: Source<'words'>): Field<readonly string[] | null> =>
  mapped(
    textField({ ...text, mono: true, maxLength: 4000 }),
    (sent) => (sent === '' && type.nullLabel !== undefined ? null : splitWords(sent)),
    (value: readonly string[] | null) => value?.join(' ') ?? '',
  )

const HEX = /^#[0-9a-f]{6}$/i

/** The colour field of browsers always has a colour, so a colour that may be left out is typed. */
const accentField = ({ type, text }: Source<'colour'>): Field<string> | Field<string | null> =>
  type.nullLabel === undefined
    ? colourField(text)
    : nullable(
        validated(textField({ ...text, mono: true }), (sent) =>
          sent === '' || HEX.test(sent) ? undefined : 'enter a colour such as #1f5fbf',
        ),
      )

/** Null: no file was chosen. */
const imageField = ({ text }: Source<'image'>): Field<Image | null> =>
  mapped(
    fileField({ ...text, accept: IMAGE_TYPES.join(',') }),
    (bytes) => bytes && imageOf(bytes),
    () => null,
  )

/** Characters: twice the longest metadata, for spaces and line breaks. */
const MAX_METADATA_TEXT = 8192

/** A text of several lines, with a value of another form. `parse` throws a KeywrightError for a wrong text. */
function parsedAreaField<Value>(
  area: Field<string>,
  parse: (text: string) => Value,
  format: (value: Value) => string,
): Field<Value> {
  return {
    ...area,
    read(name, sent) {
      const reading = area.read(name, sent)
      if ('fieldError' in reading) return reading
      try {
        return { value: parse(reading.value) }
      } catch (error) {
        if (error instanceof KeywrightError) return { fieldError: error.message }
        throw error
      }
    },
    write: (name, value) => area.write(name, format(value)),
  }
}

const metadataField = (text: Source<'metadata'>['text']): Field<Metadata> =>
  parsedAreaField(areaField({ ...text, rows: 5, mono: true, maxLength: MAX_METADATA_TEXT }), parseMetadata, (value) =>
    Object.keys(value).length === 0 ? '' : JSON.stringify(value, null, 2),
  )

/** Characters: more than the longest declaration. */
const MAX_CLAIMS_TEXT = 4000

const claimsField = (text: Source<'claims'>['text']): Field<readonly DeclaredClaim[]> =>
  parsedAreaField<readonly DeclaredClaim[]>(
    areaField({ ...text, rows: 3, mono: true, maxLength: MAX_CLAIMS_TEXT }),
    parseClaims,
    (value) => claimWords(value).join('\n'),
  )

type AnyField = Field<never>

const FIELDS: { readonly [Kind in Attribute['type']['kind']]: (source: Source<Kind>) => AnyField } = {
  text: (source) => singleLineField(source) as AnyField,
  email: ({ text }) => emailField(text) as AnyField,
  id: ({ type, text }) => (type.nullLabel === undefined ? textField(text) : nullable(textField(text))) as AnyField,
  uri: (source) => uriField(source) as AnyField,
  uris: ({ text }) => linesField(text) as AnyField,
  boolean: (source) => booleanField(source) as AnyField,
  choice: (source) => choiceField(source) as AnyField,
  choices: ({ t, type, text }) =>
    checkboxesField<string>({ ...text, choices: type.choices.map((one) => translatedChoice(t, one)) }) as AnyField,
  duration: (source) => lifetimeField(source) as AnyField,
  rate: ({ t, type, text }) => rateField({ ...text, placeholder: declaredOrNone(t, type.nullLabel) }) as AnyField,
  count: (source) => countField(source) as AnyField,
  words: (source) => wordsField(source) as AnyField,
  metadata: ({ text }) => metadataField(text) as AnyField,
  claims: ({ text }) => claimsField(text) as AnyField,
  colour: (source) => accentField(source) as AnyField,
  image: (source) => imageField(source) as AnyField,
}

function fieldOf(name: string, attribute: Attribute, { isOperator, current, t }: FormUser): AnyField {
  const { type, label, hint, placeholder, initial } = attribute
  const present = (current as Readonly<Record<string, unknown>> | undefined)?.[name]
  const source = {
    t,
    attribute,
    type,
    text: {
      ...translatedText(t, { label, hint }),
      placeholder: declaredOrNone(t, placeholder),
      required: initial === undefined,
    },
    mayChoose: (choice: Choice<string> & { operatorOnly?: boolean }) =>
      !choice.operatorOnly || isOperator || present === choice.value,
  }
  const create = FIELDS[type.kind] as (source: object) => AnyField
  return create(source)
}

export type FieldsOf<All extends Attributes> = { readonly [Name in keyof All]: Field<ValueOf<All[Name]>> }

/** The fields that this user may set of this resource. */
export function attributeFields<All extends Attributes>(attributes: All, user: FormUser): FieldsOf<All> {
  const shown = entriesOf(attributes).filter(
    ([, { operatorOnly, isFixed }]) => (!operatorOnly || user.isOperator) && !(isFixed && user.current),
  )
  return Object.fromEntries(shown.map(([name, one]) => [name, fieldOf(name, one, user)])) as unknown as FieldsOf<All>
}
