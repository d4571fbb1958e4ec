/** The words of a text, without the white space between them. */
export const splitWords = (text: string): string[] => text.split(/\s+/).filter(Boolean)
