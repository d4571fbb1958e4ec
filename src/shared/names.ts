/**
 * What speaks against a name that people read: of an account, a person, an application. Undefined: nothing does. Text with
 * half a surrogate pair is refused because no JSON value of the database can hold it.
 */
export function nameFault(what: string, name: string, most: number): string | undefined {
  const length = [...name].length
  if (name.trim() === '' || length > most) return `${what} has 1 to ${most} characters`
  return /\p{Cc}/u.test(name) || !name.isWellFormed() ? `${what} holds no control characters` : undefined
}
