import { describe, expect, it } from 'vitest'
import { accentsOf } from '../../src/shared/accent-colours.ts'
import { brandCss, createBrand } from '../../src/web/brand.ts'
import { momentOf, waitInWords } from '../../src/web/relative-time.ts'

function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [a, b] = [luminance(one), luminance(other)].sort((x, y) => x - y) as [number, number]
  return (b + 0.05) / (a + 0.05)
}

describe("the operator's accent", () => {
  const COLOURS = ['#1f5fbf', '#ffffff', '#000000', '#ffee00', '#777777', '#ff0000', '#00ff00', '#0000ff', '#123456']

  it.each(COLOURS)('%s can be read on either paper, and be written on', (colour) => {
    const { light, dark } = accentsOf(colour)
    for (const [accent, papers] of [
      [light, ['#ffffff', '#f5f6f8']],
      [dark, ['#181c22', '#0f1217']],
    ] as const) {
      expect(contrast(accent.ink, accent.fill)).toBeGreaterThanOrEqual(4.5)
      expect(contrast(accent.ink, accent.fillHover)).toBeGreaterThanOrEqual(4.5)
      for (const paper of papers) {
        expect(contrast(accent.text, paper)).toBeGreaterThanOrEqual(4.5)
        expect(contrast(accent.edge, paper)).toBeGreaterThanOrEqual(3)
      }
    }
  })

  it('stays as it is by day', () => {
    for (const colour of COLOURS) expect(accentsOf(colour).light.fill).toBe(colour)
  })

  it('is never more than a colour', () => {
    expect(brandCss('red}*{display:none')).toBe(brandCss('#1f5fbf'))
  })
})

describe('the look', () => {
  it('is asked for once by many, and stays when it cannot be asked for', async () => {
    let asked = 0
    const brand = createBrand(async () => {
      asked += 1
      return { name: 'Acme', accent: '#123456', font: 'system', signInText: null, signInUrl: null, logo: null }
    })
    await Promise.all([brand.refresh(), brand.refresh()])
    expect([asked, brand.current().name]).toEqual([1, 'Acme'])

    const away = createBrand(() => Promise.reject(new Error('away')))
    await away.refresh()
    expect(away.current().name).toBe('Keywright')
  })
})

describe('times', () => {
  it('are shown as relative times, with the exact time in the title', () => {
    const now = Date.UTC(2026, 10, 21, 12, 0, 0)
    const ago = (seconds: number) => momentOf(new Date(now - seconds * 1000), now).words
    expect([ago(5), ago(60), ago(7200), ago(86_400), ago(20 * 86_400)]).toEqual([
      'just now',
      '1 minute ago',
      '2 hours ago',
      'yesterday',
      '2 weeks ago',
    ])
    const ahead = (days: number) => momentOf(new Date(now + days * 86_400_000), now).words
    expect([1, 2, 30, 89.9, 150].map(ahead)).toEqual([
      'tomorrow',
      'in 2 days',
      'in 30 days',
      'in 89 days',
      'in 5 months',
    ])
    expect(momentOf(new Date(now), now)).toMatchObject({
      exact: '21 November 2026 at 12:00 UTC',
      iso: '2026-11-21T12:00:00.000Z',
    })
    expect([waitInWords(0.2), waitInWords(61), waitInWords(4000)]).toEqual(['1 second', '2 minutes', '2 hours'])
  })
})
