/** How pages name a user. */
export const displayName = ({ name, email }: { readonly name: string | null; readonly email: string }): string =>
  name ?? email

/** The name of a client within a sentence: `Stop key pair of ada@example.com?` */
export const nameInSentence = ({ name }: { readonly name: string }): string =>
  name.replace(/^Key pair of /, 'key pair of ')
