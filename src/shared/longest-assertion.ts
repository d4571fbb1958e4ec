/** The longest assertion of a client or token of a workload, in characters. */
export const LONGEST_ASSERTION = 8192
