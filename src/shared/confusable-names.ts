/**
 * As UTS #39, section 4, has it, over compatible forms: characters that look alike become one. What is not drawn is left out,
 * and spaces are one space.
 */
const skeleton = (text: string, unify: (text: string) => string): string =>
  unify(text.normalize('NFKD').replace(/[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/gu, ''))
    .normalize('NFD')
    .replace(/\s+/gu, ' ')
    .trim()
    .toLowerCase()

/** Once as it is written, once in small letters: `I` looks like `l`, and `i` does not. */
const skeletons = (text: string, unify: (text: string) => string): string[] => [
  skeleton(text, unify),
  skeleton(text.toLowerCase(), unify),
]

/** Whether a reader may take one name for the other: `Кеуwright`, in Cyrillic letters, for `keywright`. */
export async function isConfusable(name: string, other: string): Promise<boolean> {
  // Loaded when the first name is checked: its table takes 1 MiB of memory.
  const { default: unify } = await import('unhomoglyph')
  const others = new Set(skeletons(other, unify))
  return skeletons(name, unify).some((one) => others.has(one))
}
