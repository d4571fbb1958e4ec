import type { StoredImage } from '../shared/images.ts'

/** The address of the logo of an application. It changes with the logo, so browsers may keep what they got. */
export const logoPath = (clientId: string, { etag }: StoredImage): string =>
  `/logos/${encodeURIComponent(clientId)}/${etag}`
