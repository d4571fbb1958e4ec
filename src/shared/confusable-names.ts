import unhomoglyph from 'unhomoglyph'

/**
 * As UTS #39, section 4, has it, over compatible forms: characters that look alike become one. What is not drawn is left out,
 * and spaces are one space.
 */
const skeleton = (text: string): string =>
  unhomoglyph(text.normalize('NFKD').replace(/[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/gu, ''))
    .normalize('NFD')
    .replace(/\s+/gu, ' ')
    .trim()
    .toLowerCase()

/** Once as it is written, once in small letters: `I` looks like `l`, and `i` does not. */
const skeletons = (text: string): string[] => [skeleton(text), skeleton(text.toLowerCase())]

/** Whether a reader may take one name for the other: `Кеуwright`, in Cyrillic letters, for `keywright`. */
export function isConfusable(name: string, other: string): boolean {
  const others = new Set(skeletons(other))
  return skeletons(name).some((one) => others.has(one))
}
