const MOMENT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })

/** A time to the minute, with its zone: `29 November 2026 at 13:00 UTC`. */
export const momentText = (at: Date): string => `${MOMENT.format(at)} UTC`
