import type { Person } from './sign-in-directory.ts'

/** A user as pages show them: with a display name and its first letter. */
export function portrait(person: Person) {
  const called = person.name?.trim() || person.email
  return { ...person, called, initial: [...called][0]!.toUpperCase(), showEmail: called !== person.email }
}
