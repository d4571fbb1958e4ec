import type { Environment } from '../../../shared/environments.ts'
import { badgeCell, type Cell } from '../kit/cells.ts'

const BADGES: Readonly<Record<Environment, Cell>> = {
  live: badgeCell('success', 'Live'),
  test: badgeCell('neutral', 'Test'),
}

/** The environment of a named key pair. */
export const environmentCell = (environment: Environment): Cell => BADGES[environment]
