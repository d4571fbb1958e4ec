/** Fonts that operating systems have, by their style. A page loads none, and the value cannot hold anything but one of these names. */
export const FONTS = {
  system: 'system-ui, "Segoe UI", roboto, "Noto Sans", "Helvetica Neue", arial, sans-serif',
  humanist: 'seravek, "Gill Sans Nova", ubuntu, calibri, "DejaVu Sans", "Source Sans Pro", sans-serif',
  geometric: 'avenir, montserrat, corbel, "URW Gothic", "Source Sans Pro", sans-serif',
  grotesque: 'inter, roboto, "Helvetica Neue", "Arial Nova", "Nimbus Sans", arial, sans-serif',
  rounded:
    'ui-rounded, "Hiragino Maru Gothic ProN", quicksand, comfortaa, manjari, "Arial Rounded MT Bold", calibri, sans-serif',
  serif: 'charter, "Bitstream Charter", "Sitka Text", cambria, georgia, serif',
} as const

export type Font = keyof typeof FONTS
