/** The text with another last character: a fixed one would now and then be the same. */
export const withOtherEnd = (text: string): string => text.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x'))

/** The text with another first character. In base64, the bits of the last one may be ignored. */
export const withOtherStart = (text: string): string => text.replace(/^./, (first) => (first === 'x' ? 'y' : 'x'))
