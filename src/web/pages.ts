import type { UpstreamSignOut } from '../identity-providers/upstream-sign-out.ts'
import { type Assets, createAssets } from './assets.ts'
import { type Brand, createBrand } from './brand.ts'
import type { Show } from './page.ts'
import { createProtocolPages, type ProtocolPages } from './protocol-pages.ts'
import { createRenderer } from './renderer.ts'
import type { Directory } from './sign-in-directory.ts'

/** What all pages are rendered with. It exists before the sign-in flow, which the OAuth endpoints provide. */
export interface Pages {
  readonly brand: Brand
  readonly assets: Assets
  readonly show: Show
  /** The pages that the OAuth endpoints show. */
  readonly protocolPages: ProtocolPages
}

export function createPages({ instanceBrand }: Pick<Directory, 'instanceBrand'>, signOut: UpstreamSignOut): Pages {
  const brand = createBrand(instanceBrand)
  const assets = createAssets(brand)
  const show = createRenderer(brand, assets)
  // The protocol's pages are rendered without waiting, so the brand is read before the first request.
  void brand.refresh()
  return { brand, assets, show, protocolPages: createProtocolPages(show, signOut) }
}
