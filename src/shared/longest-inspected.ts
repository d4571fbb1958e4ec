/** The longest text that can be inspected, in bytes. */
export const LONGEST_INSPECTED = 65_536
