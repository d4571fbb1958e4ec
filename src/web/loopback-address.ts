const NAMES = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whether this leads to the device of whoever follows it. */
export const isLoopback = (url: URL): boolean => NAMES.has(url.hostname)
