import type { Setting } from './setting.ts'
import { SETTINGS } from './settings.ts'

function row([name, setting]: [string, Setting]): string {
  const unit = setting.unit ? ` ${setting.unit}` : ''
  const fallback = setting.default === undefined ? '' : `\`${setting.default}\`${unit}`
  return `| \`${name}\` | ${fallback} | ${setting.secret ? 'yes' : ''} | ${setting.doc} |`
}

/** The reference of all settings as Markdown, kept in `docs/configuration.md`. */
export function documentConfiguration(): string {
  return [
    '# Configuration',
    '',
    '<!-- Made by `npm run docs` from src/config/settings.ts; do not edit. -->',
    '',
    'Settings are environment variables. Each may also come from a file: `NAME_FILE` holds the path of a file whose',
    'content is the value (Docker and Kubernetes secrets). An empty variable counts as unset. A value out of range is',
    'refused at the start, all errors at once; nothing is clamped.',
    '',
    '| variable | default | secret | meaning |',
    '|---|---|---|---|',
    ...Object.entries<Setting>(SETTINGS).map(row),
    '',
  ].join('\n')
}
