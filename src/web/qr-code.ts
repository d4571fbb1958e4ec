/** A QR code with its white border, as an SVG path of squares with sides of one. */
export interface QrCode {
  readonly size: number
  readonly path: string
}

/** One bar per run of dark squares in a row. */
function barsOf(row: readonly boolean[], y: number): string {
  const bars: string[] = []
  for (let x = 0; x < row.length; x++) {
    const begin = x
    while (row[x]) x++
    if (x > begin) bars.push(`M${begin} ${y}h${x - begin}v1h-${x - begin}z`)
  }
  return bars.join('')
}

/** Squares of white on each side, which cameras need (ISO/IEC 18004). */
const QUIET_ZONE = 4

/** The encoder is loaded when the first code is drawn. */
export async function qrCodeOf(text: string): Promise<QrCode> {
  const { encodeQR } = await import('qr')
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET_ZONE })
  return { size: rows.length, path: rows.map(barsOf).join('') }
}
