// Default-ignorable characters are not drawn, and bidirectional controls reorder what is: two names could look the same, or one
// like something else. Unicode calls the braille pattern without dots a symbol, but nothing is drawn for it either.
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Zl}\p{Zp}\u2800]/u

/** What some of them are needed for: emoji, and joining in scripts that are written so (RFC 5892, appendix A). */
const EMOJI =
  /\u{1f3f4}[\u{e0061}-\u{e007a}]{2,6}\u{e007f}|(?<=\p{Extended_Pictographic})\ufe0f|(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}]\ufe0f?)\u200d(?=\p{Extended_Pictographic})/gu
const JOINED =
  /(?<=[\p{scx=Arab}\p{scx=Beng}\p{scx=Deva}\p{scx=Gujr}\p{scx=Guru}\p{scx=Knda}\p{scx=Mlym}\p{scx=Orya}\p{scx=Sinh}\p{scx=Taml}\p{scx=Telu}])[\u200c\u200d](?=\p{L})/gu

/** What is wrong with a text that people read. Half of a surrogate pair fits into no JSON value of the database. */
export function textError(what: string, text: string): string | undefined {
  if (/(?![\r\n\t])\p{Cc}/u.test(text) || !text.isWellFormed()) return `${what} holds no control characters`
  const rest = text.replace(EMOJI, '').replace(JOINED, '')
  return INVISIBLE.test(rest)
    ? `${what} holds no invisible characters and none that change the direction of text`
    : undefined
}

/** What is wrong with a name that people read: of an account, a user, an application, the instance. Undefined: nothing. */
export function nameError(what: string, name: string, most: number): string | undefined {
  const length = [...name].length
  if (name.trim() === '' || length > most) return `${what} has 1 to ${most} characters`
  return /[\r\n\t]/.test(name) ? `${what} holds no control characters` : textError(what, name)
}
