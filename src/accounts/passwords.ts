import { randomBytes } from 'node:crypto'
import argon2 from 'argon2'
import { KeywrightError } from '../shared/errors.ts'
import { HASHING_COST } from './hashing-cost.ts'
import { inHashingQueue } from './hashing-queue.ts'

const PARAMETERS = { type: argon2.argon2id, ...HASHING_COST } as const

/** One keyboard writes é as one character, another as two (NIST SP 800-63B, section 3.1.1.2). */
const normalised = (password: string): string => password.normalize('NFC')

/** The PHC string of a password that a user chose, or of a one-time password. */
export const hashPassword = (password: string): Promise<string> =>
  inHashingQueue(() => argon2.hash(normalised(password), PARAMETERS))

/** @param hash null: the user has no password; the check takes the same time and fails */
export const verifyPassword = (hash: string | null, password: string): Promise<boolean> =>
  inHashingQueue(() => argon2.verify(hash ?? decoyHash(), normalised(password)))

/** Whether a hash was made otherwise than one would be made today. */
export const needsRehash = (hash: string): boolean =>
  !hash.startsWith('$argon2id$') || argon2.needsRehash(hash, PARAMETERS)

const phcBase64 = (bytes: number): string => randomBytes(bytes).toString('base64').replaceAll('=', '')

/** A hash of no password, which costs as much to verify as a real one. */
export function decoyHash(): string {
  const { memoryCost, timeCost, parallelism } = PARAMETERS
  return `$argon2id$v=19$m=${memoryCost},p=${parallelism},t=${timeCost}$${phcBase64(16)}$${phcBase64(32)}`
}

/** In characters. */
export const MIN_PASSWORD = 12

/** In characters. */
export const MAX_PASSWORD = 256

let commonPasswords: Promise<ReadonlySet<string>> | undefined

/** Loaded when the first password is chosen: the dictionary takes 15 MiB of memory. */
function loadCommonPasswords(): Promise<ReadonlySet<string>> {
  commonPasswords ??= import('@zxcvbn-ts/language-common').then(
    ({ dictionary }) => new Set(dictionary['passwords-common']),
  )
  return commonPasswords
}

/** `aa`, `ab`, `21`, `90`: what a finger adds without a thought. */
function isStep(a: string, b: string): boolean {
  return Math.abs(a.charCodeAt(0) - b.charCodeAt(0)) <= 1 || a + b === '90' || a + b === '09'
}

/** How many characters a text begins with that go step by step. */
function stepsAhead(text: string): number {
  let length = 1
  while (length < text.length && isStep(text[length - 1]!, text[length]!)) length++
  return length
}

/** Whether a common password is left when trivial runs (`123`, `!!!!`) are taken from the ends, or nothing is. */
function isPaddedCommon(text: string, common: ReadonlySet<string>): boolean {
  const [ahead, behind] = [stepsAhead(text), stepsAhead([...text].reverse().join(''))]
  if (ahead === text.length) return true
  for (let from = 0; from <= ahead; from++) {
    for (let to = text.length; to >= text.length - behind && to > from; to--) {
      if (common.has(text.slice(from, to))) return true
    }
  }
  return false
}

/** `letmein` of `letmeinletmein`. */
const repeatedUnit = (text: string): string => text.slice(0, (text + text).indexOf(text, 1))

const isCommon = (text: string, common: ReadonlySet<string>): boolean =>
  isPaddedCommon(text, common) || isPaddedCommon(repeatedUnit(text), common)

/** Shorter ones are found in words that have nothing to do with the person. */
const MIN_PERSONAL = 4

function isPersonal(text: string, person: { email: string; name: string | null }): boolean {
  const email = person.email.toLowerCase()
  if (text.includes(email)) return true
  const words = [email.slice(0, email.lastIndexOf('@')), person.name?.toLowerCase() ?? '']
  return words.some((word) => word.length >= MIN_PERSONAL && text.includes(word))
}

export type PasswordProblem = 'too_short' | 'too_long' | 'repeated_character' | 'personal' | 'common'

const PROBLEMS: Readonly<Record<PasswordProblem, string>> = {
  too_short: `Use at least ${MIN_PASSWORD} characters.`,
  too_long: `Use at most ${MAX_PASSWORD} characters.`,
  repeated_character: 'Use more than one character, not one again and again.',
  personal: 'Leave your name and email address out of your password.',
  common: 'Many people use this password, or one much like it. Choose another one.',
}

/** A new password was not accepted. */
export class WeakPasswordError extends KeywrightError {
  readonly problem: PasswordProblem

  constructor(problem: PasswordProblem) {
    super('invalid_input', PROBLEMS[problem])
    this.problem = problem
  }
}

/**
 * Checks a new password (NIST SP 800-63B, section 3.1.1.2). The error message is a sentence for the user.
 * @throws WeakPasswordError
 */
export async function checkNewPassword(
  password: string,
  person: { email: string; name: string | null },
): Promise<void> {
  const characters = [...normalised(password)]
  const text = normalised(password).toLowerCase()
  if (characters.length < MIN_PASSWORD) throw new WeakPasswordError('too_short')
  if (characters.length > MAX_PASSWORD) throw new WeakPasswordError('too_long')
  if (new Set(characters).size === 1) throw new WeakPasswordError('repeated_character')
  if (isPersonal(text, person)) throw new WeakPasswordError('personal')
  if (isCommon(text, await loadCommonPasswords())) throw new WeakPasswordError('common')
}
