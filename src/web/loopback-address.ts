const NAMES = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whether the URL has a loopback host. */
export const isLoopback = (url: URL): boolean => NAMES.has(url.hostname)
