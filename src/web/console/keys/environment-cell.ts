import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Environment } from '../../../shared/environments.ts'
import { badgeCell, type Cell } from '../kit/cells.ts'

/** The environment of a named key pair. */
export const environmentCell = (t: ConsoleTranslate, environment: Environment): Cell =>
  environment === 'live' ? badgeCell('success', t('Live')) : badgeCell('neutral', t('Test'))
