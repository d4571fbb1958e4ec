/** One slash and no second one, no backslash (which browsers read as a slash), no control character or space. */
const OWN_PATH = /^\/(?![/\\])[^\\\s\p{Cc}]*$/u

const LONGEST = 2000

/** Where to go after a sign-in: only ever a path of this site. */
export function ownPath(wanted: unknown): string {
  if (typeof wanted !== 'string' || wanted.length > LONGEST || !OWN_PATH.test(wanted)) return '/'
  // Dot segments may fold into a path that begins with two slashes.
  const url = URL.parse(wanted, 'https://own.invalid')
  return url?.host === 'own.invalid' && !url.pathname.startsWith('//') ? url.pathname + url.search + url.hash : '/'
}
