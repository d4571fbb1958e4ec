import type { Knex } from 'knex'

/** The middle of a value's base64 wherever it begins inside what was encoded, so that `id:secret` is found too. */
function base64Forms(value: Buffer): string[] {
  return [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), value]).toString('base64')
    return text.slice(offset === 0 ? 0 : 4, -4)
  })
}

/** A secret as it may stand in a log or a database: as it is, escaped, in hexadecimal, in base64. */
export function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const base64 = base64Forms(bytes)
  const url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  return [...new Set([secret, encodeURIComponent(secret), bytes.toString('hex'), ...base64, ...url])]
}

/** Which of the secrets stand in the text, in whichever form; reported by name, so that a failure does not repeat them. */
export function foundIn(text: string, secrets: Record<string, string>): string[] {
  return Object.entries(secrets)
    .filter(([, secret]) => formsOf(secret).some((form) => text.includes(form)))
    .map(([name]) => name)
}

const rowOf = ({ row }: { row: string }): string => row

/** Every row of every table as text; binary columns are in hexadecimal. */
export async function allRows(knex: Knex): Promise<string> {
  const tables: string[] = await knex('pg_tables').where({ schemaname: 'public' }).pluck('tablename')
  const text: string[] = []
  for (const table of tables) text.push(...(await knex.raw('SELECT t::text AS row FROM ?? t', [table])).rows.map(rowOf))
  return text.join('\n')
}
