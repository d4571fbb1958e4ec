/** How pages name a user. */
export const displayName = ({ name, email }: { readonly name: string | null; readonly email: string }): string =>
  name ?? email
