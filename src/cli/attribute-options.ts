import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Attribute, type Attributes, entriesOf, type ValuesOf } from '../shared/attributes.ts'
import { claimWords, type DeclaredClaim, parseClaims } from '../shared/declared-claims.ts'
import { invalidInput } from '../shared/errors.ts'
import { type Image, imageOf, type StoredImage, summaryOfImage } from '../shared/images.ts'
import { parseMetadata } from '../shared/object-metadata.ts'
import { formatRateLimit, parseRateLimit, type RateLimit } from '../shared/rate-limit-format.ts'
import { toSnake } from '../shared/snake-case.ts'
import { splitWords } from '../shared/split-words.ts'

// Derives command-line options, and the JSON that commands print, from the attributes of a resource.

type ParsedOption = string | readonly string[] | number | true

/** The parsed options of a command, by their names in camelCase. */
export type ParsedOptions = object

export function seconds(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('Use a whole number of seconds.')
  return Number(text)
}

/** The text of a file that an option names. */
export function textFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new InvalidArgumentError('Use a file that can be read.')
  }
}

/** A point in time in ISO 8601. */
export function timeIn(text: string): Date {
  const time = new Date(text)
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError('Use a time such as 2027-06-30T00:00:00Z.')
  }
  return time
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('Use a whole number.')
  return Number(text)
}

const NUMBERS: Readonly<Record<string, (text: string) => number>> = { duration: seconds, count: wholeNumber }

const flagOf = (name: string, { option }: Attribute): string => option?.flag ?? toSnake(name).replaceAll('_', '-')

const toCamel = (flag: string): string => flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

const onOffWordsOf = ({ option }: Attribute): readonly [string, string] => option?.onOffWords ?? ['on', 'off']

/** An option without a value. At creation its absence means false. */
const takesNoValue = ({ type, isFixed, option }: Attribute): boolean =>
  type.kind === 'boolean' && (isFixed === true || option?.isSwitch === true || option?.switchOffHelp !== undefined)

function choicesOf(attribute: Attribute): readonly string[] | undefined {
  const { type } = attribute
  if (type.kind === 'boolean') return onOffWordsOf(attribute)
  return type.kind === 'choice' ? type.choices.map(({ value }) => value) : undefined
}

const PLACEHOLDERS: Readonly<Record<string, string>> = {
  text: 'text',
  email: 'address',
  id: 'id',
  uri: 'uri',
  uris: 'uri...',
  duration: 'seconds',
  rate: 'N/s|N/min|N/h',
  count: 'number',
  words: 'list',
  choices: 'list',
  colour: '#rrggbb',
  metadata: 'json',
  claims: 'list',
  image: 'file',
}

function helpOf({ type, option }: Attribute): string {
  if (type.kind !== 'choices') return option!.help
  return `${option!.help}, space-separated: ${type.choices.map(({ value, shortName }) => shortName ?? value).join(', ')}`
}

/** The option that sets an attribute. */
export function attributeOption(name: string, attribute: Attribute): Option {
  const { type, option } = attribute
  const flag = `--${flagOf(name, attribute)}`
  if (takesNoValue(attribute)) return new Option(flag, helpOf(attribute))
  const choices = choicesOf(attribute)
  const nullWord = type.kind === 'uris' ? undefined : option?.nullWord
  const values = [...(choices ?? [PLACEHOLDERS[type.kind]!]), ...(nullWord ? [nullWord] : [])]
  const made = new Option(`${flag} <${values.join('|')}>`, helpOf(attribute))
  if (choices) made.choices(values)
  const parseNumber = NUMBERS[type.kind]
  if (parseNumber) made.argParser((text) => (text === nullWord ? text : parseNumber(text)))
  return made
}

/** Adds the options of a command that creates a resource, or of one that changes it. */
export function addAttributeOptions(command: Command, attributes: Attributes, purpose: 'create' | 'update'): Command {
  for (const [name, attribute] of entriesOf(attributes)) {
    if (!attribute.option || (attribute.isFixed && purpose === 'update')) continue
    const isRequired = attribute.initial === undefined && purpose === 'create'
    command.addOption(attributeOption(name, attribute).makeOptionMandatory(isRequired))
    const { switchOffHelp } = attribute.option
    if (switchOffHelp && purpose === 'update')
      command.addOption(new Option(`--no-${flagOf(name, attribute)}`, switchOffHelp))
  }
  return command
}

/** @throws KeywrightError `invalid_input` */
function imageIn(path: string): Image {
  try {
    return imageOf(readFileSync(path))
  } catch (error) {
    throw invalidInput(`cannot read ${path} (${(error as NodeJS.ErrnoException).code})`)
  }
}

function parsedValue(attribute: Attribute, given: ParsedOption): unknown {
  const { type, option } = attribute
  if (type.kind === 'boolean') return given === true || given === onOffWordsOf(attribute)[0]
  if (type.kind === 'uris')
    return Array.isArray(given) && given.length === 1 && given[0] === option?.nullWord ? [] : given
  if (given === option?.nullWord) return type.nullLabel === undefined ? [] : null
  if (type.kind === 'image') return imageIn(given as string)
  if (type.kind === 'metadata') return parseMetadata(given as string)
  if (type.kind === 'claims') return parseClaims(given as string)
  if (type.kind === 'rate') return parseRateLimit(given as string)
  if (type.kind === 'words') return splitWords(given as string)
  if (type.kind !== 'choices') return given
  return splitWords(given as string).map((word) => type.choices.find((one) => one.shortName === word)?.value ?? word)
}

/** The values that the options of a command set. @throws KeywrightError `invalid_input` */
export function optionValues<All extends Attributes>(attributes: All, options: ParsedOptions): Partial<ValuesOf<All>> {
  const given = options as Readonly<Record<string, ParsedOption | undefined>>
  const values = entriesOf(attributes).flatMap(([name, attribute]) => {
    const option = given[toCamel(flagOf(name, attribute))]
    return attribute.option && option !== undefined ? [[name, parsedValue(attribute, option)]] : []
  })
  return Object.fromEntries(values) as Partial<ValuesOf<All>>
}

function printed(attribute: Attribute, value: unknown): unknown {
  const { type, option } = attribute
  if (type.kind === 'words') return value === null ? option?.nullWord : (value as string[]).join(' ')
  if (value === null) return null
  if (type.kind === 'rate') return formatRateLimit(value as RateLimit)
  if (type.kind === 'image') return { ...summaryOfImage(value as StoredImage), etag: (value as StoredImage).etag }
  if (type.kind === 'claims') return claimWords(value as DeclaredClaim[]).join(' ')
  if (type.kind === 'choices') return (value as string[]).join(' ')
  return type.kind === 'boolean' && !takesNoValue(attribute) ? onOffWordsOf(attribute)[value ? 0 : 1] : value
}

/** The values by names in snake_case. Values that are not null are as the options accept them; metadata is an object. */
export const printedValues = <All extends Attributes>(
  attributes: All,
  values: ValuesOf<All>,
): Record<string, unknown> =>
  Object.fromEntries(
    entriesOf(attributes).map(([name, attribute]) => [
      attribute.option?.jsonName ?? toSnake(name),
      printed(attribute, values[name]),
    ]),
  )
