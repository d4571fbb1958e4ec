import { type Attribute, MAX_URIS, MAX_WORDS } from './attributes.ts'

/** What is wrong with one value, without regard to other attributes. Undefined: nothing. */
export function attributeError<Value>({ type, validate }: Attribute<Value>, value: Value): string | undefined {
  if (value === null && type.nullLabel !== undefined) return undefined
  if (type.kind === 'choice' && !type.choices.some((one) => one.value === value))
    return `must be one of ${type.choices.map((one) => one.value).join(', ')}`
  if (type.kind === 'colour' && !/^#[0-9a-f]{6}$/.test(String(value))) return 'must be a colour such as #1f5fbf'
  if (type.kind === 'uris' && (value as readonly string[]).length > MAX_URIS)
    return `must have at most ${MAX_URIS} URIs`
  if (type.kind === 'words' && (value as readonly string[]).length > MAX_WORDS)
    return `must have at most ${MAX_WORDS} entries`
  if (type.kind === 'text' && [...(value as string)].length > type.maxLength)
    return `must have at most ${type.maxLength} characters`
  return validate?.(value as NonNullable<Value>)
}
