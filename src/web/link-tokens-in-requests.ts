import { KeywrightError } from '../shared/errors.ts'

/** The token of a link; empty: there is none, or several. */
export const tokenIn = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Whether the link of a request was used, or has expired. */
export const isUsedUp = (error: unknown): boolean => error instanceof KeywrightError && error.code === 'conflict'
