import type * as Otplib from 'otplib'
import { epochSeconds } from '../shared/clock.ts'

/** Seconds for which a code is shown (RFC 6238, section 5.2). */
const PERIOD = 30

/** Loaded when the first factor is used: most nodes only issue tokens. */
const otplib = (): Promise<typeof Otplib> => import('otplib')

/** 160 random bits in Base32, as authenticator apps take them. */
export const newTotpSecret = async (): Promise<string> => (await otplib()).generateSecret({ length: 20 })

/** The address that authenticator apps read from a QR code. A colon would end the issuer. */
export async function totpUri(secret: string, issuer: string, label: string): Promise<string> {
  const { generateURI } = await otplib()
  return generateURI({ secret, issuer: issuer.replaceAll(':', ' '), label })
}

/** The digits of a code as somebody typed it; undefined: it is no code. */
export function typedCode(text: string): string | undefined {
  const digits = text.replace(/[\s-]/g, '')
  return /^[0-9]{6}$/.test(digits) ? digits : undefined
}

/**
 * The 30-second step of a code; undefined: the secret has no such code now. The steps before and after the present one
 * count too, for clocks that differ.
 * @param now milliseconds since 1970
 */
export async function stepOfCode(secret: string, code: string, now: number): Promise<number | undefined> {
  const { verify } = await otplib()
  const result = await verify({ secret, token: code, epoch: epochSeconds(now), epochTolerance: PERIOD })
  return result.valid && 'timeStep' in result ? result.timeStep : undefined
}
