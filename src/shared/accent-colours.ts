type Rgb = readonly [number, number, number]

const BLACK: Rgb = [0, 0, 0]
const WHITE: Rgb = [255, 255, 255]

/** The backgrounds of keywright.css that the accent is written on, the one of the two that leaves less contrast. */
const LIGHT_PAPER: Rgb = [245, 246, 248]
const DARK_PAPER: Rgb = [24, 28, 34]

/** WCAG 2.2: text (1.4.3), with a little to wideOnly for rounding; what is seen as a shape (1.4.11). */
const TEXT_CONTRAST = 4.6
const SHAPE_CONTRAST = 3.1

const STEP = 0.04

const parse = (hex: string): Rgb => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb
const format = (color: Rgb): string =>
  `#${color.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`

function linear(part: number): number {
  const share = part / 255
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
}

/** WCAG 2.2, relative luminance. */
const luminance = ([red, green, blue]: Rgb): number =>
  0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)

function contrast(one: Rgb, other: Rgb): number {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number]
  return (lighter + 0.05) / (darker + 0.05)
}

const mix = (color: Rgb, other: Rgb, share: number): Rgb =>
  color.map((part, n) => part + (other[n]! - part) * share) as unknown as Rgb

/** The colour itself, or what is nearest to it, on the way to `towards`, that stands out from the paper enough. */
function standingOut(color: Rgb, paper: Rgb, towards: Rgb, ratio: number): Rgb {
  for (let share = 0; share < 1; share += STEP) {
    const candidate = mix(color, towards, share)
    if (contrast(candidate, paper) >= ratio) return candidate
  }
  return towards
}

const inkOn = (color: Rgb): Rgb => (contrast(color, WHITE) >= contrast(color, BLACK) ? WHITE : BLACK)

/** One operator's colour, as it can be used on one paper. */
export interface Accent {
  /** Behind the words of a button. */
  readonly fill: string
  /** Around it, so that a pale one is seen as a button. */
  readonly edge: string
  readonly fillHover: string
  /** The words on it. */
  readonly ink: string
  /** Links and focus rings on the paper. */
  readonly text: string
}

function accentOn(color: Rgb, fill: Rgb, paper: Rgb, towards: Rgb): Accent {
  const ink = inkOn(fill)
  const awayFromInk = ink === WHITE ? BLACK : WHITE
  return {
    fill: format(fill),
    edge: format(standingOut(fill, paper, towards, SHAPE_CONTRAST)),
    fillHover: format(mix(fill, awayFromInk, 0.14)),
    ink: format(ink),
    text: format(standingOut(color, paper, towards, TEXT_CONTRAST)),
  }
}

/** By day the colour is what the operator chose; at night a dark one glows a little. @param hex `#rrggbb` */
export function accentsOf(hex: string): { light: Accent; dark: Accent } {
  const color = parse(hex)
  const glowing = standingOut(color, DARK_PAPER, WHITE, SHAPE_CONTRAST)
  return { light: accentOn(color, color, LIGHT_PAPER, BLACK), dark: accentOn(color, glowing, DARK_PAPER, WHITE) }
}
